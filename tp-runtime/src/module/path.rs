//! The dotted name of a module.

/// The dotted name of a module inside its model, such as `model.layers.0.mlp`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ModulePath(String);

impl ModulePath {
    /// The model itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The child `segment` of this module.
    ///
    /// The empty segment is the module itself: a bare parameter has no name below its own.
    pub fn join(&self, segment: impl std::fmt::Display) -> Self {
        let segment = segment.to_string();
        match (self.0.is_empty(), segment.is_empty()) {
            (true, _) => Self(segment),
            (false, true) => self.clone(),
            (false, false) => Self(format!("{}.{segment}", self.0)),
        }
    }

    /// The dotted text; empty for the model itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ModulePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
