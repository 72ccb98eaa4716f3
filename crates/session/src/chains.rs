//! Finding a record by what stands in it, without a second copy of that.
//!
//! A hash map would hold each id and each user's name once more, at some 40 bytes a session each.
//! Here a bucket is the number of a record, and records of one bucket lead to each other: eight
//! bytes or so.

use slab::Slab;

use crate::record::Record;

/// The end of a chain.
pub(crate) const NONE: u32 = u32::MAX;

/// Which of a record's links this is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    Id = 0,
    User = 1,
}

#[derive(Debug)]
pub(crate) struct Chains {
    by: By,
    /// A power of two of them, and never fewer than records.
    heads: Vec<u32>,
    count: usize,
}

impl Chains {
    pub(crate) const fn new(by: By) -> Self {
        Self { by, heads: Vec::new(), count: 0 }
    }

    pub(crate) fn insert(
        &mut self,
        records: &mut Slab<Record>,
        slot: u32,
        hash: impl Fn(&Record) -> u64,
    ) {
        self.count += 1;
        if self.heads.len() < self.count {
            // The new one is among the records already.
            self.heads = vec![NONE; self.count.next_power_of_two().max(16)];
            for (other, record) in records.iter_mut() {
                let other = u32::try_from(other).expect("slots are numbers of 32 bits");
                let bucket = self.bucket(hash(record));
                record.next[self.by as usize] = self.heads[bucket];
                self.heads[bucket] = other;
            }
            return;
        }
        let record = &mut records[slot as usize];
        let bucket = self.bucket(hash(record));
        record.next[self.by as usize] = self.heads[bucket];
        self.heads[bucket] = slot;
    }

    /// Takes a record out of its chain, while it is still in its place.
    pub(crate) fn remove(&mut self, records: &mut Slab<Record>, slot: u32, hash: u64) {
        let (bucket, by) = (self.bucket(hash), self.by as usize);
        let next = records[slot as usize].next[by];
        let mut at = self.heads[bucket];
        if at == slot {
            self.heads[bucket] = next;
        }
        while at != NONE && at != slot {
            let link = &mut records[at as usize].next[by];
            at = *link;
            if at == slot {
                *link = next;
            }
        }
        assert!(at == slot, "slot {slot} is in no chain");
        self.count -= 1;
    }

    /// The slots of a bucket. Others than those asked for may be among them.
    pub(crate) fn walk<'a>(
        &self,
        records: &'a Slab<Record>,
        hash: u64,
    ) -> impl Iterator<Item = (u32, &'a Record)> + use<'a> {
        let by = self.by as usize;
        let mut at = if self.heads.is_empty() { NONE } else { self.heads[self.bucket(hash)] };
        std::iter::from_fn(move || {
            let record = records.get(at as usize).filter(|_| at != NONE)?;
            let slot = std::mem::replace(&mut at, record.next[by]);
            Some((slot, record))
        })
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower bits choose the bucket")]
    const fn bucket(&self, hash: u64) -> usize {
        hash as usize & (self.heads.len() - 1)
    }
}
