//! Reads a profile from its text, and reports all errors at once.

use std::ops::Range;

use super::{
    Key, ParsedProfile, Place, Places, Profile,
    diagnostic::{Diagnostic, DiagnosticKind, Diagnostics, Source},
    field::{
        APPLIES_TO, BATTERY, MODEL, PACK_LIMITS, SERIAL, VERSION, bank_current, cell_voltage,
        cells, chemistry, expected, model, pack_count, packs, serial, version,
    },
    key::Part,
    unknown::{excluded, similar},
};
use crate::{
    Battery, PackOverrides, Packs, Setting,
    yaml::{self, Node, NodeKind, PROFILE},
};

impl Profile {
    /// Reads a profile from YAML; `name` is the name of the file in errors.
    ///
    /// ```
    /// use lvx_settings::Profile;
    ///
    /// let profile = Profile::parse("bank.yaml", "bulk_voltage: 56.4 V\nfloat_voltage: 54\n")?;
    /// assert_eq!(profile.profile().settings.iter().count(), 2);
    ///
    /// let wrong = Profile::parse("bank.yaml", "bulk_voltge: 56.4 V\n").unwrap_err();
    /// assert!(wrong.to_string().contains("did you mean bulk_voltage?"));
    /// # Ok::<(), lvx_settings::Diagnostics>(())
    /// ```
    ///
    /// # Errors
    /// All errors at once: syntax, unknown keys, values of the wrong form. Use
    /// [`validate`](crate::validate()) to check the values against each other.
    pub fn parse(name: &str, text: &str) -> Result<ParsedProfile, Diagnostics> {
        profile(name, text)
    }

    /// Reads a profile from the bytes of a file.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and if the bytes are not UTF-8.
    ///
    /// ```
    /// use lvx_settings::Profile;
    ///
    /// let error = Profile::parse_bytes("bank.yaml", b"name: \xff\n").unwrap_err();
    /// assert!(error.to_string().contains("expected text in UTF-8"));
    /// ```
    pub fn parse_bytes(name: &str, bytes: &[u8]) -> Result<ParsedProfile, Diagnostics> {
        self::bytes(name, bytes)
    }

    /// Reads a profile from words such as `bulk_voltage=55.2`. Errors show `name` as the name of the file,
    /// and the words in one line.
    ///
    /// ```
    /// use lvx_settings::Profile;
    ///
    /// let profile = Profile::from_words("command line", &["float_voltage=54", "backlight=off"])?;
    /// assert_eq!(profile.profile().settings.iter().count(), 2);
    /// # Ok::<(), lvx_settings::Diagnostics>(())
    /// ```
    ///
    /// # Errors
    /// All errors at once; if there are no words.
    pub fn from_words(name: &str, words: &[&str]) -> Result<ParsedProfile, Diagnostics> {
        self::words(name, words)
    }
}

impl Battery {
    /// Reads the battery guard of a site from YAML: the keys under `battery` in a profile, with or without
    /// the key `battery` itself. `name` is the name of the file in errors.
    ///
    /// ```
    /// use lvx_settings::Battery;
    ///
    /// let text = "chemistry: lfp\ncells: 16\nmax_cell_voltage: 3.60 V\nmin_cell_voltage: 2.80 V\n";
    /// assert_eq!(Battery::parse("battery.yaml", text)?.cells, Some(16));
    /// assert!(Battery::parse("battery.yaml", "chemistry: lfp\n").is_err());
    /// # Ok::<(), lvx_settings::Diagnostics>(())
    /// ```
    ///
    /// # Errors
    /// All errors at once: wrong syntax, implausible values, missing keys.
    pub fn parse(name: &str, text: &str) -> Result<Self, Diagnostics> {
        battery(name, text)
    }

    /// Reads a battery guard from a node of another file: the value of its key `battery`. Adds the errors to
    /// `errors`: wrong form, implausible values, missing keys.
    pub fn from_node(node: &Node, errors: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = Reader::default();
        reader.battery(node);
        reader.complete_battery();
        let is_right = reader.errors.is_empty();
        errors.append(&mut reader.errors);
        reader.profile.battery.filter(|_| is_right)
    }
}

/// Reads a profile from its text.
fn profile(name: &str, text: &str) -> Result<ParsedProfile, Diagnostics> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::default();
    let root = yaml::read(text, &PROFILE, &mut reader.errors);
    reader.is_cut_off = !reader.errors.is_empty();
    match root {
        Some(root) => reader.top(&root),
        None if !reader.is_cut_off => reader.errors.push(empty("this profile is empty")),
        None => {}
    }
    if reader.errors.is_empty() && reader.profile.settings.is_empty() {
        reader.errors.push(empty("this profile states no setting"));
    }
    reader.done(name, text)
}

/// Reads words such as `bulk_voltage=55.2`, each like a line of a profile.
fn words(name: &str, words: &[&str]) -> Result<ParsedProfile, Diagnostics> {
    let text = words.join(" ");
    let mut reader = Reader { are_words: true, ..Reader::default() };
    let (mut entries, mut start) = (Vec::new(), 0);
    for word in words {
        let scalar = |text: &str, start: usize| Node {
            span: start..start + text.len(),
            kind: NodeKind::Scalar { text: text.trim().to_owned(), is_plain: true },
        };
        if let Some((key, value)) = word.split_once('=') {
            entries.push((scalar(key, start), scalar(value, start + key.len() + 1)));
        } else {
            let message = format!("expected KEY=VALUE, found {word:?}");
            let help = "write for example bulk_voltage=56.4";
            reader.error(message, &(start..start + word.len()), help);
        }
        start += word.len() + 1;
    }
    if words.is_empty() {
        let error = Diagnostic::error("no setting is given");
        reader.errors.push(error.help("write for example bulk_voltage=56.4"));
    }
    reader.top(&Node { span: 0..text.len(), kind: NodeKind::Map(entries) });
    reader.done(name, &text)
}

/// Reads a battery guard: its keys, or the key `battery` with its keys below it.
fn battery(name: &str, text: &str) -> Result<Battery, Diagnostics> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Source { name: name.into(), text: text.into() };
    let mut reader = Reader::default();
    let root = yaml::read(text, &PROFILE, &mut reader.errors);
    reader.is_cut_off = !reader.errors.is_empty();
    match root {
        Some(root) if !root.is_missing() => reader.battery(nested(&root).unwrap_or(&root)),
        _ if reader.is_cut_off => {}
        _ => {
            let error = Diagnostic::error("this battery guard is empty");
            reader.errors.push(error.help("state chemistry, cells and both cell voltages"));
        }
    }
    reader.complete_battery();
    let battery = reader.profile.battery.unwrap_or_default();
    if reader.errors.is_empty() { Ok(battery) } else { Err(Diagnostics::of(source, reader.errors)) }
}

/// Returns the value of the key `battery`, if that is the only key.
fn nested(root: &Node) -> Option<&Node> {
    let NodeKind::Map(entries) = &root.kind else { return None };
    match entries.as_slice() {
        [(name, value)] => match &name.kind {
            NodeKind::Scalar { text, .. } if Part::Top.key(text) == Some(Key::Battery) => {
                Some(value)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Reads a profile from bytes that should be UTF-8.
fn bytes(name: &str, bytes: &[u8]) -> Result<ParsedProfile, Diagnostics> {
    let text = match str::from_utf8(bytes) {
        Ok(text) => return profile(name, text),
        Err(error) => bytes.get(..error.valid_up_to()).unwrap_or_default(),
    };
    let text = String::from_utf8_lossy(text);
    let error = Diagnostic::error("expected text in UTF-8, found other bytes")
        .at(text.len()..text.len(), "after this place")
        .help("save the file as UTF-8");
    let source = Source { name: name.into(), text: text.as_ref().into() };
    Err(Diagnostics::of(source, vec![error]))
}

/// Returns the error for a profile without settings.
fn empty(message: &str) -> Diagnostic {
    Diagnostic::error(message).help("write at least one setting, such as bulk_voltage: 56.4 V")
}

/// Reads the tree of a profile and collects the errors.
#[derive(Default)]
struct Reader {
    profile: Profile,
    places: Places,
    errors: Vec<Diagnostic>,
    /// Whether only the part before a syntax error was read.
    is_cut_off: bool,
    /// Whether the settings are words of a command line rather than lines of a file.
    are_words: bool,
}

impl Reader {
    /// Returns the profile, or all errors.
    fn done(self, name: &str, text: &str) -> Result<ParsedProfile, Diagnostics> {
        let source = Source { name: name.into(), text: text.into() };
        if self.errors.is_empty() {
            Ok(ParsedProfile { profile: self.profile, places: self.places, source })
        } else {
            Err(Diagnostics::of(source, self.errors))
        }
    }

    /// Adds an error with one place and one line of help.
    fn error(&mut self, message: impl Into<String>, span: &Range<usize>, help: &str) {
        self.errors.push(Diagnostic::error(message).at(span.clone(), "").help(help));
    }

    /// Reads the top level.
    fn top(&mut self, root: &Node) {
        if root.is_missing() {
            return self.errors.push(empty("this profile is empty"));
        }
        for (key, place, value) in self.part(Part::Top, root, "settings, one per line") {
            match key {
                Key::AppliesTo => self.applies_to(value),
                Key::Battery => self.battery(value),
                Key::Setting(setting) => self.setting(setting, value),
                _ => self.name(&place, value),
            }
        }
    }

    /// Returns the entries of a level that have a known key and a value.
    fn part<'a>(&mut self, part: Part, node: &'a Node, form: &str) -> Vec<(Key, Place, &'a Node)> {
        let NodeKind::Map(entries) = &node.kind else {
            let message = format!("expected {form}, found {}", node.found());
            let help = match part {
                Part::Top => {
                    "write key: value without a dash before it, such as bulk_voltage: 56.4 V"
                }
                Part::AppliesTo => "write for example applies_to: {main_firmware: \"06306\"}",
                Part::Battery => "write for example battery: {chemistry: lfp, cells: 16}",
                Part::PackLimits => "write for example pack_limits: {max_charge_current: 80 A}",
            };
            self.error(message, &node.span, help);
            return Vec::new();
        };
        let mut known = Vec::new();
        for (name, value) in entries {
            if self.errors.len() >= MAX_ERRORS {
                break;
            }
            let NodeKind::Scalar { text, .. } = &name.kind else { continue };
            let Some(key) = part.key(text) else {
                self.unknown(part, text, name);
                continue;
            };
            let place =
                Place { name: text.clone(), key: name.span.clone(), value: value.span.clone() };
            if let Some(first) = self.places.get(&key) {
                let message = if first.name == *text {
                    format!("expected each key once, found {text:?} again")
                } else {
                    let first = &first.name;
                    format!(
                        "expected each setting once, found {text:?} and {first:?}, which are the same setting"
                    )
                };
                self.errors.push(
                    Diagnostic::error(message)
                        .at(name.span.clone(), "second")
                        .and(first.key.clone(), "first")
                        .help("remove one of the two"),
                );
                continue;
            }
            self.places.insert(key, place.clone());
            if value.is_missing() {
                let message = format!("{text}: expected {}, found nothing", expected(key));
                let help = if self.are_words {
                    "write a value after the equals sign"
                } else {
                    "write a value after the colon, or remove the line"
                };
                self.error(message, &name.span, help);
                continue;
            }
            known.push((key, place, value));
        }
        known
    }

    /// Adds the error for an unknown key.
    fn unknown(&mut self, part: Part, text: &str, name: &Node) {
        let elsewhere = Part::ALL.into_iter().find(|other| other.key(text).is_some());
        let near = || {
            similar(text, part)
                .or_else(|| Part::ALL.into_iter().find_map(|part| similar(text, part)))
        };
        let excluded = || if part == Part::Top { excluded(text) } else { None };
        let mut kind = DiagnosticKind::Other;
        let help = if let Some(other) = elsewhere {
            match other {
                Part::Top => format!("{text} belongs at the top level: remove the indentation"),
                other => format!("{text} belongs {}", other.place()),
            }
        } else if let Some(why) = excluded() {
            why.to_owned()
        } else if let Some(near) = near() {
            format!("did you mean {near}?")
        } else if part == Part::Top {
            kind = DiagnosticKind::UnknownSetting;
            "a profile made from a unit has all keys".to_owned()
        } else {
            format!("the keys are {}", part.texts().collect::<Vec<_>>().join(", "))
        };
        let message = match part {
            Part::Top => format!("expected a setting, found {text:?}"),
            part => format!("expected a key {}, found {text:?}", part.place()),
        };
        let error = Diagnostic::error(message).of_kind(kind);
        self.errors.push(error.at(name.span.clone(), "").help(help));
    }

    /// Reads the name of the profile.
    fn name(&mut self, place: &Place, node: &Node) {
        match &node.kind {
            NodeKind::Scalar { text, .. }
                if !text.is_empty() && !text.contains(char::is_control) =>
            {
                self.profile.name = Some(text.clone());
            }
            _ => {
                let message = format!("name: expected one line of text, found {}", node.found());
                self.error(message, &place.value, "write a name in one line, or remove the line");
            }
        }
    }

    /// Reads the value of a setting.
    fn setting(&mut self, setting: Setting, node: &Node) {
        let NodeKind::Scalar { text, .. } = &node.kind else {
            let message = format!(
                "{setting}: expected {}, found {}",
                setting.shape().expected(),
                node.found()
            );
            return self.error(message, &node.span, "a setting has one value");
        };
        match setting.parse(text) {
            Ok(value) => self.profile.settings.put(setting, Some(value)),
            Err(error) => {
                let message =
                    format!("{}: expected {}, found {}", error.key, error.expected, error.found);
                let mut diagnostic = Diagnostic::error(message).at(node.span.clone(), "");
                diagnostic.help.extend(error.hint);
                self.errors.push(diagnostic);
            }
        }
    }

    /// Reads the units that the profile is for.
    fn applies_to(&mut self, node: &Node) {
        for (key, _, value) in self.part(Part::AppliesTo, node, APPLIES_TO) {
            match key {
                Key::Serials => {
                    self.profile.applies_to.serials = self.list("serials", value, SERIAL, serial);
                }
                Key::Models => {
                    self.profile.applies_to.models = self.list("models", value, MODEL, model);
                }
                _ => {
                    self.profile.applies_to.main_firmware =
                        self.list("main_firmware", value, VERSION, version);
                }
            }
        }
    }

    /// Reads one value, or a list of values.
    fn list<T>(
        &mut self,
        key: &str,
        node: &Node,
        form: &str,
        read: fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let items = match &node.kind {
            NodeKind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        if items.is_empty() {
            let help = "an empty list allows no unit: add a value, or remove the line";
            self.error(format!("{key}: expected {form}, found an empty list"), &node.span, help);
        }
        let mut values = Vec::new();
        for item in items {
            let value = match &item.kind {
                NodeKind::Scalar { text, .. } if !text.trim().is_empty() && !item.is_missing() => {
                    read(text.trim())
                }
                _ => Err("write one value, or a list such as [a, b]".to_owned()),
            };
            match value {
                Ok(value) => values.push(value),
                Err(hint) => {
                    let message = format!("{key}: expected {form}, found {}", item.found());
                    let mut diagnostic = Diagnostic::error(message).at(item.span.clone(), "");
                    diagnostic.help.extend(Some(hint).filter(|hint| !hint.is_empty()));
                    self.errors.push(diagnostic);
                }
            }
        }
        values
    }

    /// Reads the battery guard.
    fn battery(&mut self, node: &Node) {
        let mut battery = Battery::default();
        let (mut model, mut count, mut overrides) = (None, None, None);
        for (key, _, value) in self.part(Part::Battery, node, BATTERY) {
            match key {
                Key::Chemistry => battery.chemistry = self.one("chemistry", key, value, chemistry),
                Key::Cells => battery.cells = self.one("cells", key, value, cells),
                Key::MaxCellVoltage => {
                    battery.max_cell_voltage =
                        self.one("max_cell_voltage", key, value, cell_voltage);
                }
                Key::MinCellVoltage => {
                    battery.min_cell_voltage =
                        self.one("min_cell_voltage", key, value, cell_voltage);
                }
                Key::Packs => model = self.one("packs", key, value, packs),
                Key::Count => count = self.one("count", key, value, pack_count),
                Key::PackLimits => overrides = Some(self.pack_limits(value)),
                _ => {
                    battery.max_bank_charge_current =
                        self.one("max_bank_charge_current", key, value, bank_current);
                }
            }
        }
        self.complete_packs();
        if let Some(packs) = model.and_then(|model| Packs::new(model, count?)) {
            battery = battery.with_packs(packs.with_overrides(overrides.unwrap_or_default()));
        }
        if !self.is_cut_off && matches!(&node.kind, NodeKind::Map(entries) if entries.is_empty()) {
            let message = format!("battery: expected {BATTERY}, found nothing");
            self.error(message, &node.span, "describe the battery, or remove the line");
        }
        self.profile.battery = Some(battery);
    }

    /// Reads the limits that replace those of the packs.
    fn pack_limits(&mut self, node: &Node) -> PackOverrides {
        let mut overrides = PackOverrides::default();
        for (key, place, value) in self.part(Part::PackLimits, node, PACK_LIMITS) {
            let set = match (&value.kind, key) {
                (NodeKind::Scalar { text, .. }, Key::PackLimit(name)) => {
                    overrides.set(name, text.trim()).map_err(|error| error.expected)
                }
                _ => Err("one value"),
            };
            if let Err(expected) = set {
                let message =
                    format!("{}: expected {expected}, found {}", place.name, value.found());
                self.error(message, &value.span, "write the limit of one pack");
            }
        }
        overrides
    }

    /// Adds the errors of packs without their number, and of keys that need packs.
    fn complete_packs(&mut self) {
        let place = |key| self.places.get(&key).map(|place| place.key.clone());
        let (packs, count) = (place(Key::Packs), place(Key::Count));
        let limits = place(Key::PackLimits);
        if self.is_cut_off {
            return;
        }
        if let (Some(packs), None) = (&packs, &count) {
            self.error(
                "packs: expected count too, found none",
                packs,
                "write for example count: 3",
            );
        }
        for (key, place) in [("count", count), ("pack_limits", limits)] {
            if let (None, Some(place)) = (&packs, place) {
                let message = format!("{key}: expected packs too, found none");
                self.error(message, &place, "write for example packs: eg4-lp4-v2");
            }
        }
    }

    /// Adds the errors of a battery guard that must be complete.
    fn complete_battery(&mut self) {
        if !self.errors.is_empty() {
            return;
        }
        let battery = self.profile.battery.unwrap_or_default();
        for error in battery.errors().into_iter().chain(battery.incomplete()) {
            let mut keys = error.keys.iter().filter_map(|key| Key::of_battery(key));
            let place = keys.find_map(|key| self.places.get(&key));
            let diagnostic = Diagnostic::error(error.text).help(error.advice);
            self.errors.push(match place {
                Some(place) => diagnostic.at(place.value.clone(), ""),
                None => diagnostic,
            });
        }
    }

    /// Reads one value of the battery guard.
    fn one<T>(
        &mut self,
        name: &str,
        key: Key,
        node: &Node,
        read: fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = match &node.kind {
            NodeKind::Scalar { text, .. } => read(text.trim()),
            _ => Err("write one value after the colon".to_owned()),
        };
        match value {
            Ok(value) => Some(value),
            Err(hint) => {
                let message = format!("{name}: expected {}, found {}", expected(key), node.found());
                let mut diagnostic = Diagnostic::error(message).at(node.span.clone(), "");
                diagnostic.help.extend(Some(hint).filter(|hint| !hint.is_empty()));
                self.errors.push(diagnostic);
                None
            }
        }
    }
}

/// Maximum number of errors that are collected.
const MAX_ERRORS: usize = 100;
