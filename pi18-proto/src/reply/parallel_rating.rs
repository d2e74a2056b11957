//! `PRIn`: rated information of one unit of a bank.

use crate::{
    Amperes, ChargerPriority, Count, OutputMode, PaddedSerial, Presence, SerialNumber,
    macros::reply,
};

reply! {
    /// Rated information of one unit of a bank, the reply to `PRIn`.
    ///
    /// To a query without a unit number, devices reply with arbitrary memory content in a well-formed
    /// frame. The reply is genuine only if [`serial_number`](Self::serial_number) returns a number.
    ///
    /// ```
    /// use pi18_proto::{ParallelRating, Reply, SerialNumber};
    ///
    /// let rating = ParallelRating::decode(b"1,14,96132206100410000000,2,060,050,1")?;
    /// assert_eq!(rating.serial_number(), SerialNumber::new("96132206100410"));
    ///
    /// let garbage = ParallelRating::decode(b"1,00,02  .               ,0,000,000,0")?;
    /// assert_eq!(garbage.serial_number(), None);
    /// # Ok::<(), pi18_proto::DecodeError>(())
    /// ```
    ///
    /// Source: PI18 2017 and 2022, "PRIn"; three digits of AC charge current as in 2022 and observed.
    ParallelRating = "PRI", sample "1,14,96132206100410000000,2,060,050,1" {
        /// Unit
        presence: Presence[1],
        /// Serial number length
        serial_length: Count[2],
        /// Serial number, padded
        serial_padded: PaddedSerial[20],
        /// Charger source priority
        charger_priority: ChargerPriority[1],
        /// Maximum charge current
        max_charge_current: Amperes[3],
        /// Maximum AC charge current
        max_ac_charge_current: Amperes[3],
        /// Output mode
        output_mode: OutputMode[1],
    }
}

impl ParallelRating {
    /// Returns the serial number, if its two fields agree and it
    /// [looks genuine](SerialNumber::looks_genuine).
    #[must_use]
    pub fn serial_number(&self) -> Option<SerialNumber> {
        self.serial_padded
            .serial_number(self.serial_length.0.into())
            .filter(SerialNumber::looks_genuine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reply;

    #[test]
    fn serial_number_is_read_from_both_fields() {
        let rating = ParallelRating::decode(ParallelRating::SAMPLE.as_bytes()).unwrap();
        assert_eq!(rating.serial_number(), SerialNumber::new("96132206100410"));
    }

    #[test]
    fn garbage_has_no_serial_number() {
        let rating = ParallelRating::decode(b"1,00,02  .               ,0,000,000,0").unwrap();
        assert_eq!(rating.serial_number(), None);
        assert_eq!(rating.serial_padded.as_str(), "02  .               ");
    }
}
