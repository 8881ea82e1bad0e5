//! Ranks of several hosts of which some would wait where no other host reaches them.

use std::net::IpAddr;

use tch::TchError;

use crate::ffi::c10d::Store;

/// Meets the other ranks, and says what is wrong where some have an address of their own host and others one
/// of the network, as when a host's name is that of 127.0.1.1 in its own `/etc/hosts`.
///
/// `address` is this rank's, `None` where GLOO_SOCKET_IFNAME names its interface.
///
/// # Errors
/// When another rank does not come, or the store is gone.
pub(super) fn fault(
    store: &Store,
    size: usize,
    address: Option<IpAddr>,
) -> Result<Option<String>, TchError> {
    let store = store.prefixed("addresses")?;
    let is_loopback = address.is_some_and(|address| address.is_loopback());
    let is_other = address.is_some_and(|address| !address.is_loopback());
    store.add(c"loopback", is_loopback.into())?;
    store.add(c"network", is_other.into())?;
    // In this order, so that the last to come has counted all.
    if store.add(c"came", 1)? == size as i64 {
        store.add(c"all came", 1)?;
    }
    store.wait(c"all came")?;
    let (inside, outside) = (store.add(c"loopback", 0)?, store.add(c"network", 0)?);
    Ok((inside > 0 && outside > 0).then(|| {
        let own = address.map_or_else(String::new, |address| format!(" (this rank has {address})"));
        format!(
            "{inside} of the ranks read MASTER_ADDR as an address of their own host, where ranks on other hosts \
             cannot reach them{own}: give it as an address of the network, or name each host's interface in \
             GLOO_SOCKET_IFNAME"
        )
    }))
}
