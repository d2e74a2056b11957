//! A battery pack to read.

use pi18_transport::{Address, Error, Link};

use crate::{PackSnapshot, pack::PackClient};

/// A battery pack to read: its name in reports, and a client, or the error that occurred when its port was opened.
///
/// ```
/// use lvx_parallel::{BankSnapshot, Member, PackMember};
///
/// let units = ["sim:0".parse()?, "sim:1".parse()?].map(|address| Member::open(&address));
/// let packs = ["sim:pack0".parse()?, "sim:pack1".parse()?].map(|address| PackMember::open(&address));
/// let bank = BankSnapshot::read_with_packs(units.into(), packs.into());
/// for pack in &bank.packs {
///     let live = pack.live.expect("the virtual pack answers").value;
///     println!("{}: {}, {}", pack.name, live.voltage, live.state_of_charge);
/// }
/// # Ok::<(), pi18_transport::Error>(())
/// ```
#[derive(Debug)]
pub struct PackMember<L = Box<dyn Link + Send>> {
    name: String,
    pub(super) client: Result<PackClient<L>, Error>,
}

impl PackMember {
    /// Opens the port of a pack, such as `pack:/dev/serial/by-path/…`.
    ///
    /// If it cannot be opened, the member keeps the [`error`](Self::error), and the snapshot of its pack is marked as
    /// `lost`.
    #[must_use]
    pub fn open(address: &Address) -> Self {
        Self { name: address.place().to_owned(), client: PackClient::open(address) }
    }
}

impl<L: Link> PackMember<L> {
    /// Returns a member with this name in reports and this client.
    pub fn new(name: impl Into<String>, client: PackClient<L>) -> Self {
        Self { name: name.into(), client: Ok(client) }
    }

    /// Returns the name of the pack.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the error that occurred when the port was opened.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.client.as_ref().err()
    }

    /// Returns the snapshot of the pack before it is read.
    pub(super) fn unread(&self) -> PackSnapshot {
        let mut pack = PackSnapshot::new(self.name.clone());
        if let Err(error) = &self.client {
            pack.take(Err(error));
        }
        pack
    }
}
