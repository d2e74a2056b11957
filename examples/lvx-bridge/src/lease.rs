//! The socket through which other programs use the units while the bridge holds them.
