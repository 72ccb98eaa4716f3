//! How many attachments a packet announced, and which of them its placeholders stand for.

/// The official parser takes ten (F12). Each is a frame that has to be waited for.
pub const ATTACHMENTS_MAX: u8 = 10;

/// The attachments of one packet, each to be stood for once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Attachments {
    count: u8,
    /// A bit each.
    used: u16,
}

impl Attachments {
    /// None for no attachments, which is no binary packet, and for more than [`ATTACHMENTS_MAX`].
    #[must_use]
    pub fn new(count: u8) -> Option<Self> {
        (1..=ATTACHMENTS_MAX).contains(&count).then_some(Self { count, used: 0 })
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> usize {
        usize::from(self.count)
    }

    /// Whether there is one of that number which nothing stood for yet.
    pub(crate) fn use_up(&mut self, index: u8) -> bool {
        let bit = 1_u16.checked_shl(index.into()).unwrap_or(0);
        let is_free = index < self.count && self.used & bit == 0;
        self.used |= bit;
        is_free
    }

    pub(crate) fn are_all_used(self) -> bool {
        self.used.count_ones() == u32::from(self.count)
    }
}
