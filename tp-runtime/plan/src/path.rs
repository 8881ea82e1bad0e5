//! The path of a module as its segments, which rustc compares faster than text.

use crate::fingerprint::Fingerprint;
use crate::pattern::{after_name, split};
use crate::{Child, Text};

/// Deeper than any model nests its modules.
const DEPTH: usize = 16;

/// The segments that lead from the model to a module; `*` is an element that no row singles out.
#[derive(Clone, Copy)]
pub struct Path<'a> {
    segments: [&'a str; DEPTH],
    length: usize,
    /// The fingerprint of the last segment; of a path that was gone back on, another's.
    pub(crate) last: Fingerprint,
}

impl<'a> Path<'a> {
    /// The model itself.
    pub const ROOT: Self = Self {
        segments: [""; DEPTH],
        length: 0,
        last: Fingerprint::of(""),
    };

    /// The module at a dotted path.
    ///
    /// # Panics
    /// If it is deeper than any model.
    pub const fn of(path: &'a str) -> Self {
        if path.is_empty() {
            return Self::ROOT;
        }
        Self::ROOT.follow_to(path)
    }

    /// The child of this module, which may be a list.
    pub(crate) const fn child(self, child: &Child) -> Self {
        self.join(child.name, child.fingerprint)
    }

    /// The elements of this list that no row singles out.
    pub(crate) const fn elements(self) -> Self {
        self.join("*", Fingerprint::STAR)
    }

    /// What stands in this one under the name `segment`, such as an element that a row singles out.
    pub(crate) const fn element(self, segment: &'a str) -> Self {
        self.join(segment, Fingerprint::of(segment))
    }

    /// The modules inside this one that `pattern` names.
    pub(crate) const fn follow_to(self, pattern: &'a str) -> Self {
        let (mut path, mut rest) = (self, Some(pattern));
        while let Some(remaining) = rest {
            let (segment, after) = split(remaining);
            path = path.element(segment);
            rest = after;
        }
        path
    }

    const fn join(mut self, segment: &'a str, fingerprint: Fingerprint) -> Self {
        self.enter(segment, fingerprint);
        self
    }

    /// Goes on to a module inside this one.
    pub(crate) const fn enter(&mut self, segment: &'a str, fingerprint: Fingerprint) {
        assert!(self.length < DEPTH, "a module path is too long");
        self.segments[self.length] = segment;
        self.length += 1;
        self.last = fingerprint;
    }

    /// Goes back to the module that the first segments lead to.
    pub(crate) const fn back_to(&mut self, length: usize) {
        self.length = length;
    }

    /// Whether `pattern` names the module, from the segment at `start` on.
    pub(crate) const fn is_named_by(&self, pattern: &str, start: usize) -> bool {
        // From the end: the names of layers part sooner than the structs they stand in.
        let pattern = pattern.as_bytes();
        let (mut end, mut at) = (pattern.len(), self.length);
        while at > start && end > 0 {
            at -= 1;
            let name = self.segments[at].as_bytes();
            if pattern[end - 1] == b'*' && is_element(name) {
                end -= 1;
            } else if end < name.len() {
                return false;
            } else {
                end -= name.len();
                let mut byte = 0;
                while byte < name.len() {
                    if pattern[end + byte] != name[byte] {
                        return false;
                    }
                    byte += 1;
                }
            }
            if end == 0 {
                return at == start;
            }
            end -= 1;
            if pattern[end] != b'.' {
                return false;
            }
        }
        false
    }

    /// Whether one of `modules` is this one.
    pub(crate) const fn is_among(&self, modules: &[&str]) -> bool {
        let mut at = 0;
        while at < modules.len() {
            if self.is_named_by(modules[at], 0) {
                return true;
            }
            at += 1;
        }
        false
    }

    /// Where this path and `pattern` part, because one of them ends: the segment from `start` on, and
    /// the byte of the pattern, which is past its end if it ends; `None` if they part before.
    pub(crate) const fn follow(&self, pattern: &str, start: usize) -> Option<(usize, usize)> {
        let (mut at, mut byte) = (start, 0);
        while at < self.length && byte <= pattern.len() {
            let is_star = byte < pattern.len()
                && pattern.as_bytes()[byte] == b'*'
                && is_element(self.segments[at].as_bytes());
            let name = if is_star { "*" } else { self.segments[at] };
            byte = match after_name(pattern, byte, name) {
                Some(next) => next,
                None => return None,
            };
            at += 1;
        }
        Some((at, byte))
    }

    /// Whether `pattern` names a module that this one stands in, from the segment at `start` on.
    pub(crate) const fn is_inside(&self, pattern: &str, start: usize) -> bool {
        match self.follow(pattern, start) {
            Some((at, byte)) => at < self.length && byte > pattern.len(),
            None => false,
        }
    }

    /// Whether `pattern` names a module that stands in this one.
    pub(crate) const fn leads_to(&self, pattern: &str) -> bool {
        match self.follow(pattern, 0) {
            Some((at, byte)) => at == self.length && byte <= pattern.len(),
            None => false,
        }
    }

    /// The first of `modules` from the index on that is an element of this list, and its last segment.
    pub(crate) const fn next_element(
        &self,
        modules: &[&'a str],
        from: usize,
    ) -> Option<(usize, &'a str)> {
        let mut at = from;
        while at < modules.len() {
            if let Some((segments, byte)) = self.follow(modules[at], 0)
                && segments == self.length
                && byte <= modules[at].len()
                && let (element, None) = split(modules[at].split_at(byte).1)
            {
                return Some((at, element));
            }
            at += 1;
        }
        None
    }

    /// The module that its first segments lead to.
    pub(crate) const fn up_to(&self, length: usize) -> Self {
        Self {
            length,
            last: Fingerprint::of(self.segments[length - 1]),
            ..*self
        }
    }

    /// How many segments it has.
    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// The dotted path.
    pub fn to_text(&self) -> String {
        self.segments[..self.length].join(".")
    }

    /// Appends the path to `text`, dotted.
    pub(crate) const fn write(&self, text: &mut Text) {
        let mut at = 0;
        while at < self.length {
            if at > 0 {
                text.push(".");
            }
            text.push(self.segments[at]);
            at += 1;
        }
    }
}

/// Whether a segment is an element of a list; the names of fields start otherwise.
const fn is_element(segment: &[u8]) -> bool {
    !segment.is_empty() && (segment[0] == b'*' || segment[0].is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::Path;

    const PATH: Path<'_> = LIST.elements().element("mlp").element("up");
    const LIST: Path<'_> = Path::ROOT.element("layers");

    #[test]
    fn a_pattern_names_a_path_by_all_of_its_segments() {
        assert!(PATH.is_named_by("layers.*.mlp.up", 0));
        assert!(PATH.is_named_by("mlp.up", 2));
        for other in [
            "",
            "up",
            "mlp.up",
            "layers.*.mlp.u",
            "layers.*.mlp.xup",
            "a.layers.*.mlp.up",
        ] {
            assert!(!PATH.is_named_by(other, 0), "{other}");
        }
        assert!(!PATH.is_named_by("layers.0.mlp.up", 0));
        let third = LIST.element("3");
        assert!(third.is_named_by("layers.*", 0) && third.is_named_by("layers.3", 0));
        assert!(!third.is_named_by("layers.13", 0) && !third.is_named_by("layers.", 0));
    }

    #[test]
    fn a_module_is_inside_those_above_it() {
        assert!(PATH.is_inside("layers", 0) && PATH.is_inside("layers.*.mlp", 0));
        for other in ["", "layer", "layers.0", "layers.*.mlp.up", "mlp"] {
            assert!(!PATH.is_inside(other, 0), "{other}");
        }
    }

    #[test]
    fn a_module_leads_to_those_inside() {
        let layer = PATH.up_to(2);
        assert!(layer.is_named_by("layers.*", 0));
        assert!(layer.leads_to("layers.*.mlp") && layer.leads_to("layers.*.x"));
        assert!(!layer.leads_to("layers.*") && !layer.leads_to("norm.x"));
    }

    #[test]
    fn a_pattern_is_followed_to_where_one_of_both_ends() {
        assert_eq!(PATH.follow("layers", 0), Some((1, 7)));
        assert_eq!(PATH.follow("mlp", 2), Some((3, 4)));
        assert_eq!(LIST.follow("layers.0.mlp", 0), Some((1, 7)));
        assert_eq!(LIST.follow("layer.0", 0), None);
        assert_eq!(LIST.follow("layers_2.0", 0), None);
    }
}
