//! Commands of features that this program was built without.

use clap::Args;

/// A command of a feature that this program was built without
#[derive(Args, Debug)]
#[command(disable_help_flag = true)]
pub(crate) struct Missing {
    /// Arguments of the command, which are not used
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) _arguments: Vec<String>,
}
