//! Names as numbers, which rustc compares a hundred times faster than their bytes.

/// A number that tells names apart: equal names have equal ones, and other names hardly ever do.
///
/// It saves comparing the names themselves where it differs, and proves nothing where it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint(pub(super) u64);

impl Fingerprint {
    /// The fingerprint of `*`, an element of a list.
    pub(super) const STAR: Self = Self::of("*");

    /// The fingerprint of a name.
    pub(super) const fn of(name: &str) -> Self {
        Self::from(name.as_bytes(), 0)
    }

    /// The fingerprint of the last segment of a dotted path.
    pub(super) const fn of_last(path: &str) -> Self {
        let path = path.as_bytes();
        let mut start = path.len();
        while start > 0 && path[start - 1] != b'.' {
            start -= 1;
        }
        Self::from(path, start)
    }

    /// FNV-1a (Fowler, Noll and Vo) of what follows byte `at`.
    const fn from(bytes: &[u8], mut at: usize) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
            at += 1;
        }
        Self(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;

    #[test]
    fn a_path_has_the_fingerprint_of_its_last_segment() {
        let last = Fingerprint::of_last("model.layers.*.mlp.up_proj");
        assert_eq!(last, Fingerprint::of("up_proj"));
        assert_eq!(Fingerprint::of_last("lm_head"), Fingerprint::of("lm_head"));
        assert_ne!(last, Fingerprint::of("proj_up"));
    }
}
