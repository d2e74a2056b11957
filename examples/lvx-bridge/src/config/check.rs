//! Checks the tree of a file against the declaration of keys, and collects all mistakes.

use std::ops::Range;

use lvx_settings::{
    Battery, Diagnostic, Setting,
    yaml::{Node, NodeKind, similar},
};
use pi18_proto::SerialNumber;
use pi18_transport::{Address, Error};

use super::form::{
    Checked, Form, Item, Key, Section, Spanned, controllable_keys, is_controllable, time, time_text,
};

/// The mistakes of a file.
#[derive(Debug, Default)]
pub(super) struct Mistakes {
    pub(super) list: Vec<Diagnostic>,
    /// Whether only the part before a syntax error was read.
    pub(super) is_cut_off: bool,
    /// Values that must not be shown, such as a password that does not belong into the file.
    pub(super) hidden: Vec<Range<usize>>,
}

impl Mistakes {
    /// Adds a mistake.
    pub(super) fn add(&mut self, message: impl Into<String>, span: Range<usize>, help: &str) {
        if self.list.len() < MAX_MISTAKES {
            let one = Diagnostic::error(message).at(span, "");
            self.list.push(if help.is_empty() { one } else { one.help(help) });
        }
    }

    /// Adds a mistake that concerns two places.
    pub(super) fn twice(
        &mut self,
        message: impl Into<String>,
        second: Range<usize>,
        first: Range<usize>,
        help: &str,
    ) {
        if self.list.len() < MAX_MISTAKES {
            let one = Diagnostic::error(message).at(second, "second").and(first, "first");
            self.list.push(one.help(help));
        }
    }
}

/// Checks a level.
pub(super) fn section(
    section: &'static Section,
    node: &Node,
    mistakes: &mut Mistakes,
) -> Option<Checked> {
    let NodeKind::Map(nodes) = &node.kind else {
        let names: Vec<_> = section.keys.iter().map(|key| key.name).collect();
        let help = format!("the keys {} are {}", section.place, names.join(", "));
        mistakes.add(format!("expected keys, found {}", node.found()), node.span.clone(), &help);
        return None;
    };
    let mut checked = Checked::default();
    let mut seen: Vec<(&str, Range<usize>)> = Vec::new();
    for (name, value) in nodes {
        let NodeKind::Scalar { text, .. } = &name.kind else { continue };
        let Some(key) = section.keys.iter().find(|key| key.name == text) else {
            if text.contains("password") || text.contains("token") {
                mistakes.hidden.push(value.span.clone());
            }
            unknown(section, text, name, mistakes);
            continue;
        };
        if let Some((_, first)) = seen.iter().find(|(seen, _)| *seen == key.name) {
            mistakes.twice(
                format!("expected each key once, found {text:?} again"),
                name.span.clone(),
                first.clone(),
                "remove one of the two",
            );
            continue;
        }
        seen.push((key.name, name.span.clone()));
        if value.is_missing() {
            mistakes.add(
                format!("{text}: expected {}, found nothing", key.form.expected()),
                name.span.clone(),
                "write a value after the colon, or remove the line",
            );
            continue;
        }
        if let Some(item) = item(key, &key.form, value, mistakes) {
            let spanned = Spanned { item, span: value.span.clone() };
            checked.entries.push((key.name, name.span.clone(), spanned));
        }
    }
    for key in section.keys.iter().filter(|key| key.is_required) {
        if !mistakes.is_cut_off && !seen.iter().any(|(seen, _)| *seen == key.name) {
            let place = nodes.first().map_or(node.span.clone(), |(name, _)| name.span.clone());
            mistakes.add(
                format!("expected the key {} {}, found none", key.name, section.place),
                place,
                key.about,
            );
        }
    }
    Some(checked)
}

/// Adds the mistake of an unknown key.
fn unknown(section: &'static Section, text: &str, name: &Node, mistakes: &mut Mistakes) {
    let names: Vec<_> = section.keys.iter().map(|key| key.name).collect();
    let help = if text.starts_with("password") && names.contains(&"password_file") {
        "write the password into a file of its own, and its path after password_file:".to_owned()
    } else if let Some(near) = similar(text, names.iter().copied()) {
        format!("did you mean {near}?")
    } else {
        format!("the keys {} are {}", section.place, names.join(", "))
    };
    let message = format!("expected a key {}, found {text:?}", section.place);
    mistakes.add(message, name.span.clone(), &help);
}

/// Checks the value of a key.
fn item(key: &Key, form: &Form, node: &Node, mistakes: &mut Mistakes) -> Option<Item> {
    match (form, &node.kind) {
        (Form::Map(below) | Form::Switch(below), NodeKind::Map(_)) => {
            section(below, node, mistakes).map(Item::Map)
        }
        (Form::Map(below), _) => {
            section(below, node, mistakes);
            None
        }
        (Form::Battery, NodeKind::Map(_)) => {
            Battery::from_node(node, &mut mistakes.list).map(Item::Battery)
        }
        (Form::List(form, max), NodeKind::List(nodes)) => {
            if nodes.is_empty() || nodes.len() > *max {
                let message =
                    format!("{}: expected 1 to {max} values, found {}", key.name, nodes.len());
                mistakes.add(message, node.span.clone(), "an empty list can be left out");
                return None;
            }
            let read = nodes.iter().filter_map(|node| {
                Some(Spanned { item: item(key, form, node, mistakes)?, span: node.span.clone() })
            });
            Some(Item::List(read.collect()))
        }
        (Form::List(form, _), _) => {
            let item = item(key, form, node, mistakes)?;
            Some(Item::List(vec![Spanned { item, span: node.span.clone() }]))
        }
        (form, NodeKind::Scalar { text, .. }) if !node.is_missing() => {
            scalar(form, text.trim()).map_err(|hint| mistake(key, form, node, &hint, mistakes)).ok()
        }
        _ => {
            mistake(key, form, node, "", mistakes);
            None
        }
    }
}

fn mistake(key: &Key, form: &Form, node: &Node, hint: &str, mistakes: &mut Mistakes) {
    let message = format!("{}: expected {}, found {}", key.name, form.expected(), node.found());
    mistakes.add(message, node.span.clone(), hint);
}

/// Reads a value that is one text; the error is a hint, which may be empty.
fn scalar(form: &Form, text: &str) -> Result<Item, String> {
    let none = String::new;
    let is_line = !text.is_empty() && text.len() <= MAX_TEXT && !text.contains(char::is_control);
    match form {
        Form::Name => text.parse().map(Item::Name).map_err(|_| {
            let lower = text.to_lowercase().replace([' ', '_', '.'], "-");
            lower.parse::<crate::Name>().map_or(none(), |name| format!("did you mean {name}?"))
        }),
        Form::Text if is_line => Ok(Item::Text(text.to_owned())),
        Form::Path if is_line && is_path(text) => Ok(Item::Text(text.to_owned())),
        Form::SecretFile if is_line && (is_path(text) || !text.contains('/')) => {
            Ok(Item::Text(text.to_owned()))
        }
        Form::Flag | Form::Switch(_) => match text {
            "on" | "true" | "yes" => Ok(Item::Flag(true)),
            "off" | "false" | "no" => Ok(Item::Flag(false)),
            _ => Err(none()),
        },
        Form::Number(min, max) => {
            let number = text.parse().ok().filter(|number| (min..=max).contains(&number));
            number.map(Item::Number).ok_or_else(none)
        }
        Form::Time(min, max) => match time(text) {
            Some(time) if (*min..=*max).contains(&time) => Ok(Item::Time(time)),
            Some(time) if time < *min => Err(format!("{} is too short", time_text(time))),
            Some(_) => Err("that is too long".to_owned()),
            None => Err("write a number with ms, s, min, h or d after it, such as 30 s".to_owned()),
        },
        Form::Word(words) if words.contains(&text) => Ok(Item::Text(text.to_owned())),
        Form::Word(words) => {
            let near = similar(text, words.iter().copied());
            Err(near.map_or(none(), |near| format!("did you mean {near}?")))
        }
        Form::Serial => match SerialNumber::new(text) {
            Some(serial) if serial.looks_genuine() => Ok(Item::Serial(serial)),
            _ => Err("the serial number is printed on the label of the unit".to_owned()),
        },
        Form::Address | Form::PackAddress => address(text, matches!(form, Form::PackAddress)),
        Form::Setting => setting(text),
        Form::Socket => text.parse().map(Item::Socket).map_err(|_| {
            "write an IP address; to listen on all addresses: 0.0.0.0:8480 or [::]:8480".to_owned()
        }),
        Form::Ip => text.parse().map(Item::Ip).map_err(|_| none()),
        Form::Host if is_host(text) => Ok(Item::Text(text.to_owned())),
        Form::BasePath if is_base_path(text) => Ok(Item::Text(text.to_owned())),
        Form::Url if is_line && is_url(text) => Ok(Item::Text(text.to_owned())),
        Form::Url => {
            Err("without encryption, only http://localhost and http://127.0.0.1".to_owned())
        }
        _ => Err(none()),
    }
}

/// Reads the address of a unit, or of a battery pack.
fn address(text: &str, is_pack: bool) -> Result<Item, String> {
    let address: Address = text.parse().map_err(|error: Error| error.to_string())?;
    match (address.pack_address(), is_pack) {
        (Some(_), true) | (None, false) => Ok(Item::Address(address)),
        (Some(_), false) => Err("this is a battery pack: write it under packs:".to_owned()),
        (None, true) => Err("this is a unit; write pack: before the port of a pack".to_owned()),
    }
}

fn setting(text: &str) -> Result<Item, String> {
    match Setting::from_key(text) {
        Some(setting) if is_controllable(setting) => Ok(Item::Setting(setting)),
        Some(_) => Err(format!(
            "{text} is changed on the command line only; here: {}",
            controllable_keys()
        )),
        None => {
            let near = similar(text, Setting::ALL.iter().map(|setting| setting.key()));
            Err(near.map_or(String::new(), |near| format!("did you mean {near}?")))
        }
    }
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.split('/').any(|part| part == "..")
}

/// Returns whether a text is a host name or an IP address: nothing that a URL would read as something else.
fn is_host(text: &str) -> bool {
    let is_name =
        text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    (1..=253).contains(&text.len())
        && (text.parse::<std::net::IpAddr>().is_ok()
            || (is_name && text.starts_with(|c: char| c.is_ascii_alphanumeric())))
}

fn is_base_path(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.bytes().all(|b| b == b'.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    text.len() <= 128 && text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_part))
}

/// Returns whether a URL is encrypted or leads to this computer. It must not contain a password.
fn is_url(text: &str) -> bool {
    let (is_plain, rest) = match text.strip_prefix("https://") {
        Some(rest) => (false, rest),
        None => match text.strip_prefix("http://") {
            Some(rest) => (true, rest),
            None => return false,
        },
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(ip) => ip.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback =
        name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    !host.contains('@') && is_host(name) && (!is_plain || is_loopback)
}

/// Maximum number of mistakes that are collected.
const MAX_MISTAKES: usize = 100;

/// Maximum length of a text in bytes.
const MAX_TEXT: usize = 1024;
