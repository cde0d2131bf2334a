//! Network and hardware addresses as the server spells them.

use crate::rows::scalar::Mismatch;
use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

const IPV4: u8 = 2;
const IPV6: u8 = 3;

/// An `inet` or `cidr`. The length of the network is spelt where it says something: always in a `cidr`.
pub(super) fn address(bytes: &[u8], text: &mut String) -> Result<(), Mismatch> {
    let wrong = Mismatch::Malformed("network address");
    let (head, address) = bytes.split_first_chunk::<4>().ok_or(wrong)?;
    let [family, bits, is_cidr, length] = *head;
    if usize::from(length) != address.len() {
        return Err(wrong);
    }
    // Writing into a String cannot fail.
    let widest = match family {
        IPV4 => {
            let _ = write!(text, "{}", Ipv4Addr::from(<[u8; 4]>::try_from(address).map_err(|_| wrong)?));
            32
        }
        IPV6 => {
            let _ = write!(text, "{}", Ipv6Addr::from(<[u8; 16]>::try_from(address).map_err(|_| wrong)?));
            128
        }
        _ => return Err(wrong),
    };
    if bits > widest {
        return Err(wrong);
    }
    if is_cidr != 0 || bits < widest {
        let _ = write!(text, "/{bits}");
    }
    Ok(())
}

/// A `macaddr` or `macaddr8`.
pub(super) fn hardware(bytes: &[u8], text: &mut String) {
    for (place, byte) in bytes.iter().enumerate() {
        let _ = write!(text, "{}{byte:02x}", if place > 0 { ":" } else { "" });
    }
}
