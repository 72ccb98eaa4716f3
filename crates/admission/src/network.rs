//! A block of addresses, as `10.0.0.0/8` or `2001:db8::/32`.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use thiserror::Error;

/// Addresses that begin with the same bits. IPv4 written as IPv6 (`::ffff:a.b.c.d`) is IPv4 here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum BadNetwork {
    #[error("write an address, or an address / and the count of its leading bits")]
    Address,
    #[error("an IPv4 network has 0 to 32 leading bits, an IPv6 network 0 to 128")]
    Prefix,
    #[error("bits are set behind the leading ones; the network is {0}")]
    HostBits(Network),
}

impl Network {
    /// An address alone is the network of that one address.
    pub fn parse(text: &str) -> Result<Self, BadNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| BadNetwork::Address)?;
        let address = written.to_canonical();
        let bits = |it: IpAddr| if it.is_ipv4() { 32_u8 } else { 128 };
        let prefix = match prefix {
            Some(digits) => decimal(digits).ok_or(BadNetwork::Prefix)?,
            None => bits(written),
        };
        // `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
        let excess = bits(written) - bits(address);
        let prefix = prefix.checked_sub(excess).ok_or(BadNetwork::Prefix)?;
        if bits(address) < prefix {
            return Err(BadNetwork::Prefix);
        }
        let network = Self { address: masked(address, prefix), prefix };
        if network.address == address { Ok(network) } else { Err(BadNetwork::HostBits(network)) }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.prefix) == self.address
    }
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        Self::parse(text)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// A count of bits without sign or leading zero.
fn decimal(digits: &str) -> Option<u8> {
    let is_plain = digits.bytes().all(|it| it.is_ascii_digit());
    let is_shortest = digits == "0" || !digits.starts_with('0');
    (is_plain && is_shortest).then(|| digits.parse().ok())?
}

/// The leading bits of an address, the others zero.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(it) => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            Ipv4Addr::from_bits(it.to_bits() & mask).into()
        }
        IpAddr::V6(it) => {
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            Ipv6Addr::from_bits(it.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_written_in_one_way() {
        for (text, expected) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("127.0.0.1", "127.0.0.1/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("::1", "::1/128"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ] {
            assert_eq!(Network::parse(text).map(|it| it.to_string()), Ok(expected.to_owned()));
        }
        for (text, expected) in [
            ("", BadNetwork::Address),
            ("localhost", BadNetwork::Address),
            ("10.0.0.0/", BadNetwork::Prefix),
            ("10.0.0.0/33", BadNetwork::Prefix),
            ("10.0.0.0/08", BadNetwork::Prefix),
            ("10.0.0.0/+8", BadNetwork::Prefix),
            ("10.0.0.0/255.0.0.0", BadNetwork::Prefix),
            ("::/129", BadNetwork::Prefix),
            ("::ffff:10.0.0.0/90", BadNetwork::Prefix),
            ("10.0.0.1/8", BadNetwork::HostBits(Network::parse("10.0.0.0/8").unwrap())),
        ] {
            assert_eq!(Network::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_network_ends_where_its_bits_end() {
        for (network, address, expected) in [
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("192.0.2.128/25", "192.0.2.127", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "203.0.113.7", false),
            ("2001:db8::/33", "2001:db8:7fff::", true),
            ("2001:db8::/33", "2001:db8:8000::", false),
        ] {
            let found = Network::parse(network).unwrap().contains(address.parse().unwrap());
            assert_eq!(found, expected, "{address} in {network}");
        }
    }
}
