//! The reference of the configuration for people, as Markdown.

use std::fmt::Write;

use super::{
    form::{Form, Section},
    keys::TOP,
};

/// Returns a table of the keys for each level, made from the declaration of keys.
#[must_use]
pub fn reference() -> String {
    let mut text = String::new();
    section(&TOP, "", &mut text);
    text
}

/// Writes the keys of a level, then the levels below it.
fn section(of: &'static Section, path: &str, text: &mut String) {
    if !path.is_empty() {
        text.push_str("\n### `");
        text.push_str(path);
        text.push_str("`\n\n");
    }
    text.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
    for key in of.keys {
        let value = match key.form {
            Form::Map(_) => "keys".to_owned(),
            Form::List(Form::Map(_), _) => "list".to_owned(),
            Form::Switch(_) => "on, off or keys".to_owned(),
            form => form.expected(),
        };
        let default = match (key.is_required, key.default) {
            (true, _) => "required".to_owned(),
            (false, "") => String::new(),
            (false, default) => format!("`{default}`"),
        };
        let _ = writeln!(text, "| `{}` | {value} | {default} | {} |", key.name, key.about);
    }
    for key in of.keys {
        let (Form::Map(below) | Form::Switch(below) | Form::List(&Form::Map(below), _)) = key.form
        else {
            continue;
        };
        // `bank` has the keys of each entry of `banks`, and `units` and `packs` are the same in both.
        let is_in_both = matches!(key.name, "units" | "packs") && !path.is_empty();
        if key.name == "banks" || is_in_both {
            continue;
        }
        let below_path =
            if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        section(below, &below_path, text);
    }
}
