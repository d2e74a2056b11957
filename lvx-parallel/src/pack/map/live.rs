//! The measurements of a pack: registers 0 to 38.

use lvx_settings::Millivolts;
use pi18_proto::{Celsius, Percent};

use super::{
    cells::Cells,
    error::MapError,
    family::Scales,
    flags::{Balancing, Errors, Protections, Status, Warnings},
    other::OtherMap,
    sensors::Sensors,
    varying::{Hundredths, Scale, Varying},
};
use crate::pack::{
    frame::Registers,
    quantity::{CentiampereHours, Centiamperes, Centivolts, DeciampereHours, MilliampereSeconds},
};

/// A field of [`Live`]: its name, its meaning and its registers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LiveField {
    /// Name of the field.
    pub key: &'static str,
    /// Meaning of the field.
    pub label: &'static str,
    /// First register.
    pub first: u16,
    /// Number of registers.
    pub count: u16,
}

/// Declares the fields of [`Live`].
macro_rules! live {
    (
        // Fields that every reply must have.
        required { $(
            // Meaning of the field, one line; then further documentation.
            #[doc = $label:literal]
            $(#[doc = $more:literal])*
            // First register, name, type; sign and scale if the scale differs between families.
            $first:literal $key:ident: $ty:ty $(, $sign:ident $scale:ident)?;
        )+ }
        // Fields that are `None` if the reply ends before.
        optional { $(
            #[doc = $late_label:literal]
            $(#[doc = $late_more:literal])*
            $late_first:literal $late_key:ident: $late_ty:ty;
        )+ }
    ) => {
        /// The measurements of a pack.
        ///
        /// Fields from register 25 on are `None` if the reply ends before them, as in replies to other
        /// programs. [`Request::live`](crate::pack::Request::live) asks for all.
        ///
        /// ```
        /// use lvx_parallel::pack::{Family, Live, Registers, Status};
        ///
        /// let mut words = vec![0; 39];
        /// words[0] = 5376;                // 53.76 V
        /// words[1] = 0xFE4C;              // -4.36 A
        /// words[2..18].fill(3360);        // 16 cells with 3.360 V
        /// (words[23], words[24]) = (100, 91);
        /// (words[25], words[36]) = (2, 16);
        ///
        /// let live = Live::from_registers(&Registers::new(0, words), &Family::LP4_V2.scales)?;
        /// assert_eq!(live.voltage.to_string(), "53.76 V");
        /// assert_eq!(live.current.to_string(), "-4.36 A");
        /// assert_eq!(live.state_of_charge.to_string(), "91 %");
        /// assert_eq!(live.status, Some(Status::DISCHARGING));
        /// assert_eq!(live.cell_sum(), 53760);
        /// # Ok::<(), lvx_parallel::pack::MapError>(())
        /// ```
        ///
        /// Source: EG4-LL MODBUS V01.06; captures in `tests/pack/frames.jsonl`.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub struct Live {
            $( #[doc = $label] $(#[doc = $more])* pub $key: $ty, )+
            $( #[doc = $late_label] $(#[doc = $late_more])* pub $late_key: Option<$late_ty>, )+
        }

        impl Live {
            /// All fields in the order of their registers.
            pub const FIELDS: &'static [LiveField] = &[
                $( LiveField {
                    key: stringify!($key),
                    label: $label.trim_ascii(),
                    first: $first,
                    count: <$ty as Field>::COUNT,
                }, )+
                $( LiveField {
                    key: stringify!($late_key),
                    label: $late_label.trim_ascii(),
                    first: $late_first,
                    count: <$late_ty as Field>::COUNT,
                }, )+
            ];

            /// Reads the fields; `None` if a required one is not in the reply.
            fn read(registers: &Registers, scales: &Scales) -> Option<Self> {
                Some(Self {
                    $( $key: read(registers, $first, Form::PLAIN $(.$sign(scales.$scale))?)?, )+
                    $( $late_key: read(registers, $late_first, Form::PLAIN), )+
                })
            }

            /// Returns the registers from 0 on, up to the first field that is `None`.
            ///
            /// ```
            /// use lvx_parallel::pack::{Live, Registers, Scales};
            ///
            /// let registers = Registers::new(0, (1..=39).collect());
            /// let live = Live::from_registers(&registers, &Scales::UNKNOWN)?;
            /// assert_eq!(live.to_registers(), registers);
            /// # Ok::<(), lvx_parallel::pack::MapError>(())
            /// ```
            #[must_use]
            pub fn to_registers(&self) -> Registers {
                let mut words = Vec::with_capacity(39);
                $( self.$key.write(&mut words); )+
                self.write_optional(&mut words);
                Registers::new(0, words)
            }

            fn write_optional(&self, words: &mut Vec<u16>) {
                $(
                    let Some(value) = &self.$late_key else { return };
                    value.write(words);
                )+
            }

            /// Returns each field that the reply has, with its value as it is shown.
            ///
            /// ```
            /// use lvx_parallel::pack::{Live, Registers, Scales};
            ///
            /// let live = Live::from_registers(&Registers::new(0, vec![5376; 25]), &Scales::UNKNOWN)?;
            /// let (field, value) = &live.values()[0];
            /// assert_eq!((field.label, value.as_str()), ("Voltage of the pack", "53.76 V"));
            /// # Ok::<(), lvx_parallel::pack::MapError>(())
            /// ```
            #[must_use]
            pub fn values(&self) -> Vec<(&'static LiveField, String)> {
                let texts = [
                    $( Some(self.$key.to_string()), )+
                    $( self.$late_key.as_ref().map(ToString::to_string), )+
                ];
                let fields = Self::FIELDS.iter().zip(texts);
                fields.filter_map(|(field, text)| Some((field, text?))).collect()
            }
        }
    };
}

live! {
    required {
        /// Voltage of the pack
        ///
        /// 0.00 to 655.35 V.
        0 voltage: Centivolts;
        /// Current
        ///
        /// Above 0 while the pack is charged. The scale differs between families: steps of 0.01 A, and on a pack of
        /// 12 V of 0.1 A.
        1 current: Varying<Centiamperes>, signed current;
        /// Voltages of the cells
        ///
        /// 0.000 to 65.535 V each.
        2 cells: Cells;
        /// Temperature of the circuit board
        18 board_temperature: Celsius;
        /// First summary temperature of the cells
        ///
        /// The document names the average; captures show no fixed order of average and maximum. Judge the
        /// extremes of both.
        19 temperature_1: Celsius;
        /// Second summary temperature of the cells
        ///
        /// The document names the maximum; see [`temperature_1`](Self::temperature_1).
        20 temperature_2: Celsius;
        /// Remaining charge
        ///
        /// The scale differs between families: steps of 1 Ah, and on a pack of 12 V of 0.1 Ah.
        21 remaining: Varying<CentiampereHours>, unsigned remaining;
        /// Maximum charge current at present
        ///
        /// LP4 v2 packs had 50 A at 91 % and 100 A at 76 %; the reason is not known. The scale differs between
        /// families.
        22 max_charge_current: Varying<Centiamperes>, unsigned max_charge_current;
        /// State of health
        ///
        /// 0 to 100 %.
        23 state_of_health: Percent;
        /// State of charge
        ///
        /// 0 to 100 %. A counter of the pack, which can drift.
        24 state_of_charge: Percent;
    }
    optional {
        /// Status
        25 status: Status;
        /// Warnings
        26 warnings: Warnings;
        /// Protections
        27 protections: Protections;
        /// Errors
        28 errors: Errors;
        /// Charge cycles
        29 cycles: u32;
        /// Full capacity
        31 full_capacity: MilliampereSeconds;
        /// Temperature sensors
        33 sensors: Sensors;
        /// Cells in series
        36 cells_in_series: u16;
        /// Design capacity
        37 design_capacity: DeciampereHours;
        /// Cells that are being balanced
        38 balancing: Balancing;
    }
}

impl Live {
    /// Reads the measurements from a reply that has at least registers 0 to 24.
    ///
    /// `scales` are those of the family of the pack ([`Scales::of`] its label). Values without a known scale are
    /// marked, not guessed.
    ///
    /// # Errors
    /// If the registers are not in the reply, or are not those of one pack.
    pub fn from_registers(registers: &Registers, scales: &Scales) -> Result<Self, MapError> {
        let missing = || MapError::registers("0 to 24", registers);
        let voltages = registers.range(0, 18).ok_or_else(missing)?;
        let live = Self::read(registers, scales).ok_or_else(missing)?;
        match OtherMap::of_live(registers.words()) {
            Some(map) => Err(MapError::OtherMap(map)),
            None if voltages.iter().all(|word| *word == 0) => Err(MapError::Zeros),
            None => Ok(live),
        }
    }

    /// Returns the voltages of the cells that the pack has.
    ///
    /// Their number is [`cells_in_series`](Self::cells_in_series) if that is 1 to 16. Otherwise, zeros at the
    /// end are no cells.
    #[must_use]
    pub fn cell_voltages(&self) -> &[Millivolts] {
        let stated = self.cells_in_series.map(usize::from);
        let stated = stated.filter(|count| (1..=Cells::MAX).contains(count));
        self.cells.first(stated.unwrap_or_else(|| self.cells.used()))
    }

    /// Returns the sum of the cell voltages in millivolts.
    #[must_use]
    pub fn cell_sum(&self) -> u32 {
        self.cell_voltages().iter().map(|cell| u32::from(cell.0)).sum()
    }

    /// Returns the number, from 1 on, and the voltage of the cell with the lowest voltage; `None` without
    /// cells.
    #[must_use]
    pub fn lowest_cell(&self) -> Option<(usize, Millivolts)> {
        (1..).zip(self.cell_voltages().iter().copied()).min_by_key(|(_, voltage)| *voltage)
    }

    /// Returns the number, from 1 on, and the voltage of the cell with the highest voltage; `None` without
    /// cells. Of equal cells, it is the first.
    #[must_use]
    pub fn highest_cell(&self) -> Option<(usize, Millivolts)> {
        let cells = (1..).zip(self.cell_voltages().iter().copied());
        cells.reduce(|highest, cell| if cell.1 > highest.1 { cell } else { highest })
    }

    /// Returns the difference between the highest and the lowest cell voltage; `None` without cells.
    #[must_use]
    pub fn cell_spread(&self) -> Option<Millivolts> {
        let ((_, low), (_, high)) = (self.lowest_cell()?, self.highest_cell()?);
        Some(Millivolts(high.0 - low.0))
    }
}

/// Reads a field; `None` if the reply does not have all of its registers.
fn read<F: Field>(registers: &Registers, first: u16, form: Form) -> Option<F> {
    F::read(registers.range(first, F::COUNT)?, form)
}

/// The form of a value that differs between fields of one type.
#[derive(Clone, Copy)]
struct Form {
    scale: Option<Scale>,
    is_signed: bool,
}

impl Form {
    const PLAIN: Self = Self { scale: None, is_signed: false };

    fn signed(self, scale: Option<Scale>) -> Self {
        Self { is_signed: true, ..self.unsigned(scale) }
    }

    fn unsigned(self, scale: Option<Scale>) -> Self {
        Self { scale, ..self }
    }
}

/// A value of one or more registers.
trait Field: Sized {
    /// The number of registers.
    const COUNT: u16 = 1;

    /// Reads the value. Returns `None` if the number of words is wrong.
    fn read(words: &[u16], form: Form) -> Option<Self>;

    fn write(&self, words: &mut Vec<u16>);
}

/// Implements [`Field`] for types that wrap one register.
macro_rules! one_register {
    ($(
        // The type.
        $name:ident
    )+) => { $(
        impl Field for $name {
            fn read(words: &[u16], _form: Form) -> Option<Self> {
                words.first().map(|word| Self(*word))
            }

            fn write(&self, words: &mut Vec<u16>) {
                words.push(self.0);
            }
        }
    )+ };
}

one_register! { Centivolts Percent Status Warnings Protections Errors DeciampereHours Balancing }

impl Field for u16 {
    fn read(words: &[u16], _form: Form) -> Option<Self> {
        words.first().copied()
    }

    fn write(&self, words: &mut Vec<u16>) {
        words.push(*self);
    }
}

impl Field for Celsius {
    fn read(words: &[u16], _form: Form) -> Option<Self> {
        words.first().map(|word| Self(word.cast_signed()))
    }

    fn write(&self, words: &mut Vec<u16>) {
        words.push(self.0.cast_unsigned());
    }
}

impl Field for u32 {
    const COUNT: u16 = 2;

    fn read(words: &[u16], _form: Form) -> Option<Self> {
        let &[high, low] = words else { return None };
        Some(Self::from(high) << 16 | Self::from(low))
    }

    fn write(&self, words: &mut Vec<u16>) {
        let [first, second, third, fourth] = self.to_be_bytes();
        words.extend([u16::from_be_bytes([first, second]), u16::from_be_bytes([third, fourth])]);
    }
}

impl Field for MilliampereSeconds {
    const COUNT: u16 = 2;

    fn read(words: &[u16], form: Form) -> Option<Self> {
        <u32 as Field>::read(words, form).map(Self)
    }

    fn write(&self, words: &mut Vec<u16>) {
        self.0.write(words);
    }
}

impl Field for Cells {
    const COUNT: u16 = 16;

    fn read(words: &[u16], _form: Form) -> Option<Self> {
        Some(Self(<[u16; Self::MAX]>::try_from(words).ok()?.map(Millivolts)))
    }

    fn write(&self, words: &mut Vec<u16>) {
        words.extend(self.0.map(|cell| cell.0));
    }
}

impl Field for Sensors {
    const COUNT: u16 = 3;

    fn read(words: &[u16], _form: Form) -> Option<Self> {
        let bytes: Vec<_> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        Some(Self(<[u8; Self::MAX]>::try_from(bytes).ok()?.map(u8::cast_signed)))
    }

    fn write(&self, words: &mut Vec<u16>) {
        let bytes = self.0.map(i8::cast_unsigned);
        words.extend(bytes.as_chunks().0.iter().map(|word| u16::from_be_bytes(*word)));
    }
}

impl<Q: Hundredths> Field for Varying<Q> {
    fn read(words: &[u16], form: Form) -> Option<Self> {
        let word = *words.first()?;
        let raw = if form.is_signed { word.cast_signed().into() } else { word.into() };
        Some(Self::new(raw, form.scale))
    }

    fn write(&self, words: &mut Vec<u16>) {
        words.push(low_word(self.raw()));
    }
}

/// Returns the register of a number that a register can hold, with or without a sign.
fn low_word(number: i32) -> u16 {
    let [.., high, low] = number.to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::Family;

    #[test]
    fn fields_follow_each_other_without_a_gap() {
        let mut next = 0;
        for field in Live::FIELDS {
            assert_eq!(field.first, next, "{}", field.key);
            next += field.count;
        }
        assert_eq!(next, 39);
        // The macro of the optional fields needs each to begin after the required ones.
        assert_eq!(Live::FIELDS.iter().find(|field| field.key == "status").unwrap().first, 25);
    }

    #[test]
    fn aggregate_of_a_chain_is_named_and_zeros_are_refused() {
        let mut words = vec![0; 39];
        let error = |words: &[u16]| {
            let registers = Registers::new(0, words.to_vec());
            Live::from_registers(&registers, &Scales::UNKNOWN).unwrap_err().to_string()
        };
        assert_eq!(
            error(&words),
            "registers 0 to 22: expected the voltages of a pack, found zeros"
        );
        words[22] = 5324;
        assert_eq!(
            error(&words),
            "registers 0 to 17: expected the voltages of a pack, found zeros, as the map of Growatt's \
             low-voltage batteries has them"
        );
        assert_eq!(error(&words[..24]), "expected registers 0 to 24, found 0 to 23");
        words[17] = 1;
        let registers = Registers::new(0, words);
        assert!(Live::from_registers(&registers, &Scales::UNKNOWN).is_ok());
    }

    #[test]
    fn cells_without_a_stated_number_end_at_the_last_voltage() {
        let mut words = vec![0; 25];
        words[2..6].copy_from_slice(&[3310, 0, 3309, 3313]);
        let live =
            Live::from_registers(&Registers::new(0, words.clone()), &Scales::UNKNOWN).unwrap();
        assert_eq!(live.cell_voltages().len(), 4);
        assert_eq!(live.lowest_cell(), Some((2, Millivolts(0))));
        assert_eq!(live.highest_cell(), Some((4, Millivolts(3313))));
        assert_eq!(live.cells.to_string(), "3.310 0.000 3.309 3.313 V");
        words.resize(39, 0);
        words[36] = 3;
        let live = Live::from_registers(&Registers::new(0, words), &Scales::UNKNOWN).unwrap();
        assert_eq!((live.cell_sum(), live.cell_spread()), (6619, Some(Millivolts(3310))));
    }

    #[test]
    fn value_without_a_known_scale_is_shown_as_a_number() {
        let mut words = vec![0; 39];
        (words[0], words[1], words[21], words[22]) = (1324, 0xFFC2, 3698, 2200);
        let read = |scales: &Scales| {
            Live::from_registers(&Registers::new(0, words.clone()), scales).unwrap()
        };
        let live = read(&Scales::UNKNOWN);
        assert_eq!(live.current.value(), None);
        assert_eq!(live.current.to_string(), "-62 (scale not known)");
        assert_eq!(live.remaining.to_string(), "3698 (scale not known)");
        let live = read(&Family::LP4_V2.scales);
        assert_eq!(live.current.to_string(), "-0.62 A");
        assert_eq!(live.max_charge_current.to_string(), "2200.00 A");
        let live = read(&Family::VISION_48100.scales);
        assert_eq!((live.current.value(), live.remaining.raw()), (None, 3698));
    }
}
