//! Which of a host's addresses the other ranks reach.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

/// The address with which this host sends to `host`. Nothing is sent: the system only looks up the way.
pub(super) fn towards(host: &str, port: u16) -> io::Result<IpAddr> {
    let mut addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    // A name may have both, and all ranks must choose alike.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let any: IpAddr = match addresses.first() {
        Some(SocketAddr::V6(_)) => Ipv6Addr::UNSPECIFIED.into(),
        _ => Ipv4Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(&*addresses)?;
    Ok(socket.local_addr()?.ip())
}
