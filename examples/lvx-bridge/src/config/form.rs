//! The declaration of keys: their forms, from which the reader, the JSON schema and the reference follow.

use std::{net::IpAddr, net::SocketAddr, time::Duration};

use lvx_settings::{Battery, Setting};
use pi18_proto::SerialNumber;
use pi18_transport::Address;

use crate::Name;

/// A level of the file: keys with values.
#[derive(Debug)]
pub(super) struct Section {
    /// The place in errors, such as `under mqtt`.
    pub(super) place: &'static str,
    /// The keys.
    pub(super) keys: &'static [Key],
}

/// A key.
#[derive(Debug)]
pub(super) struct Key {
    /// The key as the file writes it.
    pub(super) name: &'static str,
    /// Meaning, one or two sentences.
    pub(super) about: &'static str,
    /// Form of the value.
    pub(super) form: Form,
    /// The value that is used if the key is missing, as the file writes it; empty if there is none.
    pub(super) default: &'static str,
    /// Whether the key must be there.
    pub(super) is_required: bool,
}

/// Forms of values.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// A [`Name`].
    Name,
    /// A line of text.
    Text,
    /// An absolute path.
    Path,
    /// An absolute path of a file with a secret, or the name of a systemd credential.
    SecretFile,
    /// `on` or `off`.
    Flag,
    /// A number within a range.
    Number(u32, u32),
    /// A time within a range, such as `5 s`.
    Time(Duration, Duration),
    /// One of several words.
    Word(&'static [&'static str]),
    /// A serial number.
    Serial,
    /// The address of a unit.
    Address,
    /// The address of a battery pack.
    PackAddress,
    /// A setting that may be controlled.
    Setting,
    /// An IP address and a port.
    Socket,
    /// An IP address.
    Ip,
    /// A host name or IP address.
    Host,
    /// A path of URLs such as `/solar`.
    BasePath,
    /// A URL.
    Url,
    /// A battery guard.
    Battery,
    /// One value or a list of values, up to this number.
    List(&'static Form, usize),
    /// Keys.
    Map(&'static Section),
    /// Keys, or `on` for their defaults, or `off`.
    Switch(&'static Section),
}

/// A value of a right form.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Name(Name),
    Text(String),
    Flag(bool),
    Number(u32),
    Time(Duration),
    Serial(SerialNumber),
    Address(Address),
    Setting(Setting),
    Socket(SocketAddr),
    Ip(IpAddr),
    Battery(Battery),
    List(Vec<Spanned>),
    Map(Checked),
}

/// A value and its bytes in the file.
#[derive(Clone, Debug)]
pub(super) struct Spanned {
    pub(super) item: Item,
    pub(super) span: std::ops::Range<usize>,
}

/// The keys of a level with their values. Keys that are missing or wrong are absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Checked {
    pub(super) entries: Vec<(&'static str, std::ops::Range<usize>, Spanned)>,
}

impl Checked {
    /// Returns the value of a key with its place.
    pub(super) fn entry(&self, key: &str) -> Option<&Spanned> {
        self.entries.iter().find(|(name, ..)| *name == key).map(|(_, _, value)| value)
    }

    /// Returns the place of a key.
    pub(super) fn place(&self, key: &str) -> Option<std::ops::Range<usize>> {
        self.entries.iter().find(|(name, ..)| *name == key).map(|(_, place, _)| place.clone())
    }

    /// Returns the value of a key.
    pub(super) fn get<T: FromItem>(&self, key: &str) -> Option<T> {
        T::from_item(&self.entry(key)?.item)
    }

    /// Returns the values of a list.
    pub(super) fn list(&self, key: &str) -> &[Spanned] {
        match self.entry(key).map(|entry| &entry.item) {
            Some(Item::List(list)) => list,
            _ => &[],
        }
    }

    /// Returns the values of a list, without their places.
    pub(super) fn all<T: FromItem>(&self, key: &str) -> Option<Vec<T>> {
        self.entry(key)?;
        Some(self.list(key).iter().filter_map(|value| T::from_item(&value.item)).collect())
    }

    /// Returns the keys below a key: none for `on`; `None` if it is missing or `off`.
    pub(super) fn map(&self, key: &str) -> Option<Self> {
        match &self.entry(key)?.item {
            Item::Map(map) => Some(map.clone()),
            Item::Flag(true) => Some(Self::default()),
            _ => None,
        }
    }
}

/// Types of values.
pub(super) trait FromItem: Sized {
    /// Returns the value, if it has this type.
    fn from_item(item: &Item) -> Option<Self>;
}

/// Implements [`FromItem`] for the type of a variant.
macro_rules! from_item {
    // The variant, and its type.
    ($($variant:ident: $type:ty),* $(,)?) => {$(
        impl FromItem for $type {
            fn from_item(item: &Item) -> Option<Self> {
                match item {
                    Item::$variant(value) => Some(value.clone()),
                    _ => None,
                }
            }
        }
    )*};
}

from_item! {
    Name: Name,
    Text: String,
    Flag: bool,
    Number: u32,
    Time: Duration,
    Serial: SerialNumber,
    Address: Address,
    Setting: Setting,
    Socket: SocketAddr,
    Ip: IpAddr,
    Battery: Battery,
}

impl Form {
    /// Returns the expected form, for an error message and the reference.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Name => "a name of a-z, 0-9 and -, such as garage-1".to_owned(),
            Self::Text => "a line of text".to_owned(),
            Self::Path => "an absolute path".to_owned(),
            Self::SecretFile => "an absolute path, or the name of a systemd credential".to_owned(),
            Self::Flag => "on or off".to_owned(),
            Self::Number(min, max) => format!("a number from {min} to {max}"),
            Self::Time(min, max) => {
                format!("a time from {} to {}", time_text(*min), time_text(*max))
            }
            Self::Word(words) => match words.split_last() {
                Some((last, others)) => format!("{} or {last}", others.join(", ")),
                None => String::new(),
            },
            Self::Serial => "a serial number such as \"96132206100410\"".to_owned(),
            Self::Address => "an address such as /dev/hidraw0 or serial:/dev/ttyUSB0".to_owned(),
            Self::PackAddress => {
                "the address of a battery pack such as pack:/dev/serial/by-path/…".to_owned()
            }
            Self::Setting => "a setting that can be controlled, such as output_priority".to_owned(),
            Self::Socket => "an IP address and a port, such as 127.0.0.1:8480".to_owned(),
            Self::Ip => "an IP address".to_owned(),
            Self::Host => "a host name or an IP address, without a port".to_owned(),
            Self::BasePath => "a path such as /solar".to_owned(),
            Self::Url => "a URL that starts with https://".to_owned(),
            Self::Battery => "chemistry, cells and the voltages of a cell".to_owned(),
            Self::List(form, _) => format!("{}, or a list of these", form.expected()),
            Self::Map(section) => format!("keys such as {}", names(section)),
            Self::Switch(section) => format!("on, off, or keys such as {}", names(section)),
        }
    }
}

fn names(section: &Section) -> String {
    let names: Vec<_> = section.keys.iter().take(3).map(|key| key.name).collect();
    names.join(", ")
}

/// Returns whether the bridge can change a setting: it has everyday risk and few values, or is a charge current.
pub(super) fn is_controllable(setting: Setting) -> bool {
    let is_current = matches!(setting, Setting::MaxChargeCurrent | Setting::MaxAcChargeCurrent);
    is_current
        || (setting.group().risk() == pi18_proto::Risk::Daily
            && !setting.shape().words().is_empty())
}

/// Returns the keys of the settings that can be controlled.
pub(super) fn controllable_keys() -> String {
    let all = Setting::ALL.iter().filter(|setting| is_controllable(**setting));
    all.map(|setting| setting.key()).collect::<Vec<_>>().join(", ")
}

/// Returns a time as the file writes it.
pub(super) fn time_text(time: Duration) -> String {
    let milliseconds = time.as_millis();
    let units = [(3_600_000, "h"), (60_000, "min"), (1000, "s")];
    match units.iter().find(|(unit, _)| milliseconds > 0 && milliseconds.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{} {name}", milliseconds / unit),
        None => format!("{milliseconds} ms"),
    }
}

/// Reads a time such as `5 s`, `30s`, `2 min` or `500 ms`.
pub(super) fn time(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let milliseconds: u64 = match unit.trim() {
        "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(milliseconds)?))
}
