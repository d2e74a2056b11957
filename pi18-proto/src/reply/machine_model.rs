//! `GMN`: the model of a unit.

use crate::macros::{codes, reply};

reply! {
    /// The machine model, the reply to `GMN`. Older units refuse the query.
    ///
    /// Source: PI18 2022, "GMN".
    MachineModel = "GMN", sample "12", new(model: Model) {
        /// Machine model
        model: Model[2],
    }
}

codes! {
    /// A product line.
    ///
    /// Source: PI18 2022, "GMN"; 02 means V II in the sheet, but such units refuse the query.
    Model {
        V = 0, "InfiniSolar V";
        V_LV = 1, "InfiniSolar V LV";
        V2 = 2, "InfiniSolar V II";
        V2_15KW_3P = 3, "InfiniSolar V II 15 kW 3-phase";
        V3 = 4, "InfiniSolar V III";
        V2_LV = 5, "InfiniSolar V II LV";
        V2_WP = 6, "InfiniSolar V II WP";
        V4 = 7, "InfiniSolar V IV";
        V2_TWIN = 8, "InfiniSolar V II TWIN";
        V3_TWIN = 9, "InfiniSolar V III TWIN";
        V2_WP_TWIN = 11, "InfiniSolar V II WP TWIN";
        V4_TWIN = 12, "InfiniSolar V IV TWIN";
    }
}
