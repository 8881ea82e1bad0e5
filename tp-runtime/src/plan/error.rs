//! Faults of a plan that only a config or a mesh can show.

/// A plan that does not fit its model, its config or its mesh.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {}
