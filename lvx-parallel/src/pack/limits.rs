//! What the maker of a family of packs allows. The values are in `lvx-settings`, beside the battery guard that
//! follows from them.

use lvx_settings::{PackLimits, PackModel};

use super::map::Family;

impl Family {
    /// Returns the model of packs of this family in a battery guard; `None` if no limits are known.
    ///
    /// ```
    /// use lvx_parallel::pack::Family;
    /// use lvx_settings::PackModel;
    ///
    /// assert_eq!(Family::LP4_V2.model(), Some(PackModel::Eg4Lp4V2));
    /// let limits = Family::LP4_V2.limits().unwrap();
    /// assert_eq!(limits.max_charge_current.to_string(), "100 A");
    /// ```
    #[must_use]
    pub fn model(&self) -> Option<PackModel> {
        (*self == Self::LP4_V2).then_some(PackModel::Eg4Lp4V2)
    }

    /// Returns the limits of packs of this family; `None` if none are known.
    ///
    /// Limits that a battery guard states instead are in [`Packs::limits`](lvx_settings::Packs::limits).
    #[must_use]
    pub fn limits(&self) -> Option<PackLimits> {
        self.model().map(PackModel::limits)
    }

    /// Returns the family of packs that a battery guard names.
    #[must_use]
    pub fn of_model(model: PackModel) -> Option<&'static Self> {
        Self::ALL.iter().find(|family| family.model() == Some(model))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_of_a_guard_has_its_family() {
        for model in PackModel::ALL {
            assert_eq!(Family::of_model(model).unwrap().model(), Some(model));
        }
    }
}
