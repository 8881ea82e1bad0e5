//! Where the ranks meet when their launcher does not say.

use super::SetupError;
use super::variables::Variables;

/// Ports that Linux does not give to outgoing connections.
const FIRST_PORT: u16 = 10_000;
const PORTS: u16 = 20_000;

/// MASTER_ADDR, or this host where it has all ranks.
pub(super) fn address(variables: &Variables, is_one_host: bool) -> Option<String> {
    let given = variables.get("MASTER_ADDR");
    given.or_else(|| is_one_host.then(|| "127.0.0.1".to_owned()))
}

/// MASTER_PORT, or one that follows from the name of the job: the same on all its ranks, and another for
/// a job that follows.
pub(super) fn port(
    variables: &Variables,
    job: impl FnOnce() -> Option<String>,
) -> Result<Option<u16>, SetupError> {
    let given = variables.optional("MASTER_PORT")?;
    Ok(given.or_else(|| Some(FIRST_PORT + digits(&job()?) as u16)))
}

/// The digits of a name as a number, less than [`PORTS`].
fn digits(name: &str) -> u32 {
    let digits = name.chars().filter_map(|character| character.to_digit(10));
    digits.fold(0, |number, digit| (number * 10 + digit) % u32::from(PORTS))
}
