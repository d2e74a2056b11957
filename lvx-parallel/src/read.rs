//! Reads the units of a bank in parallel, with one thread per unit.
//!
//! The threads wait for each other at two kinds of points: before they ask for values that change, so that
//! all units are asked at the same time, and before a decision that depends on the answers of all units.
//! Battery packs are read before the units and again after them.

use std::{thread, time::Instant};

use pi18_transport::Link;

use crate::{BankSnapshot, Questions};

mod member;
mod pack_member;
mod packs;
mod reader;
mod shared;

pub use member::Member;
pub use pack_member::PackMember;
use packs::PackReader;
use reader::Reader;
use shared::{More, SharedBank};

impl BankSnapshot {
    /// Reads all units in parallel and asks every question. Reading takes as long as the slowest unit
    /// needs.
    ///
    /// Values that change are read last, from all units at the same time as far as their links allow.
    ///
    /// A unit that disappears, or does not answer two questions in a row, is marked as `lost`; the other
    /// units are still read completely. In a bank of more than three units, each unit is asked `PRIn` and
    /// `PGSn` only about itself and the next unit, so that every unit is described twice. Instances that
    /// no unit has are each asked of one unit, to find units that were not given.
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Member};
    ///
    /// let members = ["sim:0".parse()?, "sim:1".parse()?].map(|address| Member::open(&address));
    /// let bank = BankSnapshot::read(members.into());
    /// assert!(bank.skew().is_some_and(|skew| skew.as_secs() < 2));
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    #[must_use]
    pub fn read<L: Link + Send>(members: Vec<Member<L>>) -> Self {
        Self::read_only(members, Questions::ALL)
    }

    /// Reads all units in parallel, but asks only these questions, and
    /// [their protocols and serial numbers](Questions::ALWAYS).
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Member, Questions, compare};
    ///
    /// let members = ["sim:0".parse()?, "sim:1".parse()?].map(|address| Member::open(&address));
    /// let bank = BankSnapshot::read_only(members.into(), Questions::SETTINGS);
    /// assert!(compare(&bank).matches());
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    #[must_use]
    pub fn read_only<L: Link + Send>(members: Vec<Member<L>>, questions: Questions) -> Self {
        read(members, NO_PACKS, questions, &|_| Questions::NONE)
    }

    /// Reads all units, as [`read`](Self::read), and the battery packs beside them.
    ///
    /// Each pack is read before the units and again after them, so that both readings are close to the measurements
    /// of the units. A pack that cannot be read is marked as `lost`; the others are still read. A pack that is silent
    /// is asked for up to [`PackConfig::settle`](crate::pack::PackConfig::settle) after its port was opened.
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Member, PackMember, check};
    ///
    /// let units = vec![Member::open(&"sim:0".parse()?)];
    /// let packs = vec![PackMember::open(&"sim:pack0".parse()?)];
    /// let bank = BankSnapshot::read_with_packs(units, packs);
    /// assert_eq!(bank.packs[0].name, "sim:pack0");
    /// println!("{}", check(&bank));
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    #[must_use]
    pub fn read_with_packs<L: Link + Send, P: Link>(
        units: Vec<Member<L>>,
        packs: Vec<PackMember<P>>,
    ) -> Self {
        read(units, packs, Questions::ALL, &|_| Questions::NONE)
    }
}

/// The packs of a bank that is read without them.
pub(crate) const NO_PACKS: Vec<PackMember> = Vec::new();

/// Reads all units in parallel: asks `questions`, then those that `more` returns, until it returns none. Reads the
/// packs before and after them.
pub(crate) fn read<L: Link + Send, P: Link>(
    members: Vec<Member<L>>,
    packs: Vec<PackMember<P>>,
    questions: Questions,
    more: &More<'_>,
) -> BankSnapshot {
    let clocks = members.iter().filter_map(|member| Some(member.client.as_ref().ok()?.now()));
    let mut packs = PackReader::new(packs);
    let start = clocks.chain(packs.now()).min().unwrap_or_else(Instant::now);
    let bank = SharedBank::new(start, members.iter().map(Member::unread), more);
    packs.read(start);
    let clients: Vec<_> = members.into_iter().map(|member| member.client.ok()).collect();
    thread::scope(|scope| {
        for (place, client) in clients.into_iter().enumerate() {
            let bank = &bank;
            scope.spawn(move || {
                // The pass is dropped after the client, so that no other reader continues before the
                // link is closed.
                let Some((unit, pass)) = bank.enter(place) else { return };
                let Some(client) = client else { return };
                let mut reader = Reader::new(client, unit, place, bank, pass);
                // The snapshot of a lost unit holds the reason.
                let _ = reader.run(questions.and(Questions::ALWAYS));
            });
        }
    });
    bank.snapshot().with_packs(packs.read_again(start))
}
