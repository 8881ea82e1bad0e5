//! Tells each layer what the plan makes of it.

use std::rc::Rc;

use crate::Result;
use crate::comm::ProcessGroup;
use crate::module::{AssignedParam, Assignment, NamedLayer, ReplicaGroups};
use crate::plan::{Resolution, ResolvedLayer};

/// Gives every layer its style, its ranks, and who holds what of its parameters. Every rank makes the
/// call.
pub(super) fn assign(
    layers: &[NamedLayer<'_>],
    resolution: &Resolution,
    group: &ProcessGroup,
) -> Result<()> {
    let mut replicas = ReplicaGroups::new(group);
    for (named, resolved) in layers.iter().zip(&resolution.layers) {
        let assignment = assignment(named, resolved, group, &mut replicas)?;
        named.layer.context().assign(assignment)?;
    }
    Ok(())
}

fn assignment(
    named: &NamedLayer<'_>,
    resolved: &ResolvedLayer,
    group: &ProcessGroup,
    groups: &mut ReplicaGroups,
) -> Result<Assignment> {
    let params = named.layer.parameters().into_iter();
    let parameters = params.zip(&resolved.parameters);
    let parameters = parameters.map(|((leaf, param), (_, sharding))| {
        Ok(AssignedParam {
            leaf,
            param: param.clone(),
            sharding: sharding.clone(),
            replicas: groups.replicas(sharding)?,
        })
    });
    Ok(Assignment {
        path: Rc::from(named.path.as_str()),
        style: resolved.style,
        rule: resolved.rule,
        group: group.clone(),
        parameters: parameters.collect::<Result<_>>()?,
    })
}
