//! The report on a bank, as text, Markdown or JSON: the units side by side, the findings and a verdict.

mod json;
mod markdown;
mod pack_rows;
mod rows;
mod style;
mod summary;
mod table;
mod text;

pub(crate) use markdown::table as markdown_table;
pub(crate) use rows::settings as setting_rows;
pub use style::ReportStyle;
pub use summary::{Report, ReportPack, ReportUnit};
pub use table::{Cell, Row};
pub(crate) use text::table as text_table;
