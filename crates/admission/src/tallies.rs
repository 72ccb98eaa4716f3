//! What came of the requests: plain counters, read by the monitor (R88, R96).

use proto::Code;

/// Counters that only grow. Each shard has its own; readers add them up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tallies {
    /// Requests for a WebSocket.
    pub asked: u64,
    /// Requests for something else, handed to HTTP.
    pub passed_on: u64,
    /// Of those asked, past Host, path, handshake, Origin and Limits: what is monitored (R49).
    pub entered: u64,
    /// Tokens that were good: at the handshake, in a first message, or to refresh.
    pub verified: u64,
    /// Of those verified, known from an earlier time (R15).
    pub remembered: u64,
    /// Admitted at the handshake.
    pub admitted: u64,
    /// Admitted on the promise of a token in the first message.
    pub awaited: u64,
    refused: [u64; Code::ALL.len()],
}

impl Tallies {
    /// How often the answer was this code.
    pub fn refused(&self, code: Code) -> u64 {
        self.refused.get(code as usize).copied().unwrap_or(0)
    }

    /// All codes and how often each was the answer.
    pub fn refusals(&self) -> impl Iterator<Item = (Code, u64)> {
        Code::ALL.iter().map(|it| (*it, self.refused(*it)))
    }

    pub(crate) fn refuse(&mut self, code: Code) {
        if let Some(count) = self.refused.get_mut(code as usize) {
            *count += 1;
        }
    }
}

impl Default for Tallies {
    fn default() -> Self {
        Self {
            asked: 0,
            passed_on: 0,
            entered: 0,
            verified: 0,
            remembered: 0,
            admitted: 0,
            awaited: 0,
            refused: [0; Code::ALL.len()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_counter_of_its_own() {
        let mut tallies = Tallies::default();
        for (index, code) in Code::ALL.iter().enumerate() {
            (0..=index).for_each(|_| tallies.refuse(*code));
        }
        for ((code, count), expected) in tallies.refusals().zip(1..) {
            assert_eq!(count, expected, "{code}");
        }
    }
}
