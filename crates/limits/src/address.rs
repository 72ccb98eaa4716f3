//! What counts as one address.
//!
//! An IPv4 address counts whole. Of an IPv6 address only the /64 counts, because that is what one
//! household or one machine is given: whoever has it has 2^64 addresses to rotate through (H9,
//! A12). An IPv4 address that arrives mapped into IPv6 (RFC 4291 §2.5.5.2) is the IPv4 address, so
//! that a dual-stack listener does not give everyone a second allowance.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The part of a client address that limits are keyed by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AddressKey {
    /// One IPv4 address.
    V4(Ipv4Addr),
    /// The upper 64 bits of an IPv6 address.
    V6(u64),
}

impl From<IpAddr> for AddressKey {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4),
            IpAddr::V6(v6) => Self::V6((v6.to_bits() >> 64) as u64),
        }
    }
}

impl fmt::Display for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::V4(v4) => v4.fmt(f),
            Self::V6(network) => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(network) << 64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_counts_as_its_household() {
        for (address, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::ffff:c000:0201", "192.0.2.1"),
            ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("::1", "::/64"),
            // The deprecated IPv4-compatible form is not the mapped one.
            ("::192.0.2.1", "::/64"),
            ("127.0.0.1", "127.0.0.1"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(AddressKey::from(address).to_string(), expected, "{address}");
        }
    }
}
