//! The macro that turns the table of settings into types.

/// Defines `Setting`, `Settings` and `Group` from the table in `setting.rs`.
macro_rules! settings {
    ($(
        // The group: the settings that one command writes together.
        group $group:ident {
            // The mnemonic of the command, and the risk of a wrong value. `guarded` marks commands
            // that change charge or discharge voltages.
            command $mnemonic:literal, risk $risk:ident $($guarded:ident)?;
            // The command itself, made from the settings `$values`. A command that names its unit takes
            // the unit's parallel instance, one that sends a time takes the time of this computer.
            |$values:ident $(, unit $unit:ident)? $(, host $time:ident)?| $command:expr;
            $(
                // The first line is the label, the others are the notes of a commented profile.
                #[doc = $label:literal] $(#[doc = $note:literal])*
                // The name in Rust, the key in profiles and files, and the type of the value.
                $name:ident $key:ident: $ty:ty,
                // Other keys that profiles and files may use.
                also [$($alias:literal),*],
                // The reply that reports the value, and the value in it. A clock is reported relative
                // to the time of this computer.
                read $reply:ident($from:ident $(, host $host:ident)?) => $read:expr
                // The value in the reply with the factory defaults, if it has one.
                $(, default($defaults:ident) => $default:expr)?;
            )+
        }
    )+) => {
        /// A quantity or an option of a unit that can be read and set.
        ///
        /// ```
        /// use lvx_settings::Setting;
        ///
        /// let setting = Setting::from_key("bulk_voltage").unwrap();
        /// assert_eq!(setting, Setting::BulkVoltage);
        /// assert_eq!(setting.label(), "Bulk (C.V.) voltage");
        /// assert_eq!(setting.group().mnemonic(), "MCHGV");
        /// assert_eq!(setting.parse("56.4").unwrap().to_string(), "56.4 V");
        /// ```
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Setting {
            $($(
                #[doc = $label]
                $(#[doc = $note])*
                $name,
            )+)+
        }

        impl Setting {
            /// All settings, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$($( Self::$name ),+),+];

            /// Returns the key of the setting in profiles and files.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self {
                    $($( Self::$name => stringify!($key), )+)+
                }
            }

            /// Returns other keys that profiles and files may use, such as the keys of earlier versions.
            #[must_use]
            pub const fn aliases(self) -> &'static [&'static str] {
                match self {
                    $($( Self::$name => &[$($alias),*], )+)+
                }
            }

            /// Returns the name of the setting as it is shown to people.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self {
                    $($( Self::$name => $label.trim_ascii(), )+)+
                }
            }

            /// Returns the lines that a commented profile adds to the label.
            pub fn notes(self) -> impl Iterator<Item = &'static str> {
                let lines: &[&'static str] = match self {
                    $($( Self::$name => &[$($note),*], )+)+
                };
                lines.iter().map(|line| line.trim_ascii()).filter(|line| !line.is_empty())
            }

            /// Returns the group of settings that one command writes together with this one.
            #[must_use]
            pub const fn group(self) -> Group {
                match self {
                    $($( Self::$name => Group::$group, )+)+
                }
            }

            /// Returns the query whose reply reports the setting.
            #[must_use]
            pub const fn query(self) -> Query {
                match self {
                    $($( Self::$name => Query::$reply, )+)+
                }
            }

            /// Returns the form of the setting's values.
            #[must_use]
            pub fn shape(self) -> Shape {
                match self {
                    $($( Self::$name => <$ty as Typed>::SHAPE, )+)+
                }
            }
        }

        /// Settings with their values: those of a unit, or those that a profile states.
        ///
        /// A setting that the unit does not have, or that the profile does not state, is `None`.
        ///
        /// ```
        /// use lvx_settings::{Setting, Settings};
        ///
        /// let mut settings = Settings::default();
        /// let value = Setting::FloatVoltage.parse("54.0 V")?;
        /// settings.set(Setting::FloatVoltage, Some(value))?;
        /// assert_eq!(settings.float_voltage.map(|voltage| voltage.0), Some(540));
        /// assert_eq!(settings.iter().count(), 1);
        /// # Ok::<(), lvx_settings::ValueError>(())
        /// ```
        /// [`Settings::build`] makes settings with some values.
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub struct Settings {
            $($(
                #[doc = $label]
                $(#[doc = $note])*
                pub $key: Option<$ty>,
            )+)+
        }

        impl Settings {
            /// Returns the value of a setting, if it has one.
            #[must_use]
            pub fn get(&self, setting: Setting) -> Option<SettingValue> {
                match setting {
                    $($( Setting::$name => self.$key.map(Typed::value), )+)+
                }
            }

            /// Sets the value of a setting, or removes it.
            ///
            /// # Errors
            /// If the value has another type than the setting.
            pub fn set(
                &mut self,
                setting: Setting,
                value: Option<SettingValue>,
            ) -> Result<(), ValueError> {
                match setting {
                    $($(
                        Setting::$name => self.$key = value
                            .map(|value| <$ty as Typed>::try_from_value(setting.key(), value))
                            .transpose()?,
                    )+)+
                }
                Ok(())
            }

            /// Sets every setting that a reply reports. `host` is the time of this computer when the reply
            /// arrived; without it, the offset of the unit's clock is not known.
            pub fn take(&mut self, reply: &AnyReply, host: Option<DateTime>) {
                $($(
                    if let AnyReply::$reply($from) = reply {
                        $( let $host = host; )?
                        self.$key = $read.into();
                    }
                )+)+
                let _ = host;
            }

            /// Returns the factory settings of a unit.
            #[must_use]
            pub fn factory(defaults: &Defaults) -> Self {
                let mut settings = Self::default();
                $($($(
                    let $defaults = defaults;
                    settings.$key = Some($default);
                )?)+)+
                settings
            }
        }

        /// The settings that one command writes together: one or two.
        ///
        /// ```
        /// use lvx_settings::{Group, Setting};
        /// use pi18_proto::Risk;
        ///
        /// let group = Setting::FloatVoltage.group();
        /// assert_eq!(group, Group::ChargeVoltages);
        /// assert_eq!(group.mnemonic(), "MCHGV");
        /// assert_eq!(group.risk(), Risk::Battery);
        /// assert!(group.settings().eq([Setting::BulkVoltage, Setting::FloatVoltage]));
        /// ```
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Group {
            $(
                #[doc = concat!("Settings that the command `", $mnemonic, "` writes.")]
                $group,
            )+
        }

        impl Group {
            /// Returns the mnemonic of the command. For a flag, it is that of the command that enables it: `PE`, or
            /// `PEI` for feeding the grid.
            #[must_use]
            pub const fn mnemonic(self) -> &'static str {
                match self {
                    $( Self::$group => $mnemonic, )+
                }
            }

            /// Returns the risk of a wrong value.
            #[must_use]
            pub const fn risk(self) -> Risk {
                match self {
                    $( Self::$group => Risk::$risk, )+
                }
            }

            /// Returns whether the command changes the voltages to which the battery is charged or
            /// discharged, so that it requires a complete battery guard. The battery type is included,
            /// because it sets its own voltages.
            #[must_use]
            pub const fn is_guarded(self) -> bool {
                match self {
                    $( Self::$group => settings!(@is_given $($guarded)?), )+
                }
            }

            /// Returns whether the command names the unit by its parallel instance.
            #[must_use]
            pub const fn names_its_unit(self) -> bool {
                match self {
                    $( Self::$group => settings!(@is_given $($unit)?), )+
                }
            }

            /// Returns the command that writes these values on the unit with this parallel instance.
            /// `host` is the time of this computer, which only the clock requires.
            ///
            /// Returns `None` if a value is missing or no unit accepts it.
            #[must_use]
            pub fn command(
                self,
                values: &Settings,
                instance: ParallelInstance,
                host: Option<DateTime>,
            ) -> Option<SetCommand> {
                match self {
                    $( Self::$group => {
                        let $values = values;
                        $( let $unit = instance; )?
                        $( let $time = host?; )?
                        Some($command)
                    } )+
                }
            }
        }
    };
    (@is_given) => { false };
    (@is_given $given:ident) => { true };
}

pub(super) use settings;
