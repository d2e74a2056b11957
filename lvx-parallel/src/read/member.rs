//! A unit to read.

use pi18_proto::SerialNumber;
use pi18_transport::{Address, Client, Error, Link, QueryProgress};

use crate::UnitSnapshot;

/// A unit to read: its name in reports, and a client, or the error that occurred when the unit was opened.
///
/// ```
/// use lvx_parallel::{BankSnapshot, Member};
/// use pi18_transport::Client;
///
/// let clients = [Client::open("sim:0")?, Client::open("sim:1")?];
/// let names = ["left", "right"];
/// let members = names.into_iter().zip(clients).map(|(name, client)| Member::new(name, client));
/// let bank = BankSnapshot::read(members.collect());
/// assert_eq!(bank.units[1].name, "right");
/// # Ok::<(), pi18_transport::Error>(())
/// ```
#[derive(Debug)]
pub struct Member<L = Box<dyn Link + Send>> {
    pub(super) name: String,
    serial: Option<SerialNumber>,
    pub(super) client: Result<Client<L>, Error>,
}

impl Member {
    /// Opens the unit at an address.
    ///
    /// If it cannot be opened, the member keeps the [`error`](Self::error), and the snapshot of its unit
    /// is marked as `lost`.
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Member};
    ///
    /// let member = Member::open(&"/dev/no-such-unit".parse()?);
    /// assert!(member.error().is_some());
    /// let bank = BankSnapshot::read(vec![member]);
    /// assert!(bank.units[0].lost.is_some());
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    #[must_use]
    pub fn open(address: &Address) -> Self {
        let named = address.place().strip_prefix("sn:").and_then(SerialNumber::new);
        let serial = named.or(address.config().expected_serial);
        Self { name: address.place().to_owned(), serial, client: address.open() }
    }
}

impl<L: Link> Member<L> {
    /// Returns a member with this name in reports and this client.
    pub fn new(name: impl Into<String>, client: Client<L>) -> Self {
        Self { name: name.into(), serial: None, client: Ok(client) }
    }

    /// Returns the name of the unit.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Calls `observer` when a question to this unit starts and when it ends, to show progress.
    ///
    /// ```
    /// use std::sync::{
    ///     Arc,
    ///     atomic::{AtomicUsize, Ordering},
    /// };
    ///
    /// use lvx_parallel::{Member, Questions, BankSnapshot};
    ///
    /// let events = Arc::new(AtomicUsize::new(0));
    /// let counter = Arc::clone(&events);
    /// let member = Member::open(&"sim:0".parse()?);
    /// let member = member.observed(move |_| {
    ///     counter.fetch_add(1, Ordering::Relaxed);
    /// });
    /// let _bank = BankSnapshot::read_only(vec![member], Questions::ALWAYS);
    /// assert!(events.load(Ordering::Relaxed) >= 4);
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    #[must_use]
    pub fn observed(mut self, observer: impl FnMut(QueryProgress) + Send + 'static) -> Self {
        if let Ok(client) = &mut self.client {
            client.observe(observer);
        }
        self
    }

    /// Returns the snapshot of the unit before it is read.
    pub(super) fn unread(&self) -> UnitSnapshot {
        let mut unit = match &self.client {
            Ok(_) => UnitSnapshot::new(self.name.clone()),
            Err(error) => UnitSnapshot::lost(self.name.clone(), error),
        };
        unit.serial = self.serial;
        unit
    }

    /// Returns the error that occurred when the unit was opened.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.client.as_ref().err()
    }
}
