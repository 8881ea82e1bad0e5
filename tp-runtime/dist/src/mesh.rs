//! The ranks as a grid with named dimensions.

use crate::{ProcessGroup, Result};

/// Ranks laid out over named dimensions, such as `dp` and `tp`, as PyTorch's `init_device_mesh` does:
/// row by row, so that neighbouring ranks share all but the last coordinate.
#[derive(Clone)]
pub struct DeviceMesh {
    world: ProcessGroup,
    dimensions: Vec<Dimension>,
}

#[derive(Clone)]
struct Dimension {
    name: String,
    /// The ranks that differ from this one in this coordinate only.
    group: ProcessGroup,
}

/// A mesh that does not fit its ranks, or a dimension it does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeshError {
    /// The sizes do not multiply to the world size.
    #[error(
        "a mesh of {mesh} has {product} ranks, but the world has {world_size}: choose {fitting}"
    )]
    Size {
        /// The mesh as asked for, such as `dp=1, tp=4`.
        mesh: String,
        /// How many ranks it needs.
        product: usize,
        /// How many there are.
        world_size: usize,
        /// Sizes that would fit.
        fitting: String,
    },

    /// Two dimensions with one name.
    #[error("a mesh cannot have two dimensions `{0}`: give each its own name")]
    Duplicate(String),

    /// A name that the mesh does not have.
    #[error("the mesh has no dimension `{name}`: it has {}", known.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are, in backticks.
        known: Vec<String>,
    },
}

impl DeviceMesh {
    /// Lays the world out over the dimensions, the last one fastest. Every rank makes the call.
    ///
    /// # Errors
    /// When the sizes do not multiply to the world size, a name occurs twice, or the ranks cannot connect.
    pub fn new(world: ProcessGroup, dimensions: &[(&str, usize)]) -> Result<Self> {
        check(world.size(), dimensions)?;
        let mut grid = Vec::new();
        let mut stride = world.size();
        for (name, size) in dimensions {
            let outer = stride;
            stride /= size;
            let group = line(&world, *size, stride, outer)?;
            grid.push(Dimension {
                name: (*name).to_owned(),
                group,
            });
        }
        Ok(Self {
            world,
            dimensions: grid,
        })
    }

    /// All ranks of the mesh; the first has coordinate 0 in every dimension.
    pub fn world(&self) -> &ProcessGroup {
        &self.world
    }

    /// The ranks along a dimension, this one among them.
    ///
    /// # Errors
    /// When there is no such dimension.
    pub fn group(&self, name: &str) -> Result<&ProcessGroup> {
        match self
            .dimensions
            .iter()
            .find(|dimension| dimension.name == name)
        {
            Some(dimension) => Ok(&dimension.group),
            None => {
                let known = self
                    .dimensions
                    .iter()
                    .map(|dimension| format!("`{}`", dimension.name))
                    .collect();
                Err(MeshError::Unknown {
                    name: name.to_owned(),
                    known,
                }
                .into())
            }
        }
    }

    /// This rank's coordinate in a dimension.
    ///
    /// # Errors
    /// When there is no such dimension.
    pub fn coordinate(&self, name: &str) -> Result<usize> {
        self.group(name).map(ProcessGroup::rank)
    }

    /// How many ranks a dimension has.
    ///
    /// # Errors
    /// When there is no such dimension.
    pub fn size(&self, name: &str) -> Result<usize> {
        self.group(name).map(ProcessGroup::size)
    }
}

/// This rank's group of `size` neighbouring ranks. Every rank of `group` makes the call.
///
/// # Errors
/// When the ranks cannot connect.
///
/// # Panics
/// When `size` does not divide the group.
pub fn neighbours(group: &ProcessGroup, size: usize) -> Result<ProcessGroup> {
    line(group, size, 1, size)
}

/// This rank's group along a dimension: `size` ranks, `stride` apart, within each block of `outer`.
fn line(world: &ProcessGroup, size: usize, stride: usize, outer: usize) -> Result<ProcessGroup> {
    if size == world.size() {
        return Ok(world.clone());
    }
    let mut own = None;
    for block in (0..world.size()).step_by(outer) {
        for start in block..block + stride {
            let ranks: Vec<usize> = (0..size).map(|index| start + index * stride).collect();
            own = world.subgroup(&ranks)?.or(own);
        }
    }
    Ok(own.expect("the lines along a dimension cover every rank"))
}

fn check(world_size: usize, dimensions: &[(&str, usize)]) -> Result<(), MeshError> {
    for (index, (name, _)) in dimensions.iter().enumerate() {
        if dimensions[..index].iter().any(|(other, _)| other == name) {
            return Err(MeshError::Duplicate((*name).to_owned()));
        }
    }
    let product = product(dimensions);
    if product == world_size {
        return Ok(());
    }
    Err(MeshError::Size {
        mesh: list(dimensions),
        product,
        world_size,
        fitting: fitting(world_size, dimensions),
    })
}

/// What would fit so many ranks: the same dimensions with one of them changed, the last one first.
pub(crate) fn fitting(world_size: usize, dimensions: &[(&str, usize)]) -> String {
    let changed = (0..dimensions.len()).rev().filter_map(|changed| {
        let mut sizes = dimensions.to_vec();
        sizes[changed].1 = 1;
        let others = product(&sizes);
        sizes[changed].1 = world_size.checked_div(others)?;
        (others * sizes[changed].1 == world_size).then(|| list(&sizes))
    });
    match (dimensions, changed.collect::<Vec<_>>()) {
        ([], _) => format!("{world_size} ranks"),
        (_, fitting) if fitting.is_empty() => format!("sizes whose product is {world_size}"),
        (_, fitting) => fitting.join(" or "),
    }
}

fn list(sizes: &[(&str, usize)]) -> String {
    let sizes = sizes.iter().map(|(name, size)| format!("{name}={size}"));
    sizes.collect::<Vec<_>>().join(", ")
}

/// How many ranks the sizes need; the largest number where there is no such number.
pub(crate) fn product(dimensions: &[(&str, usize)]) -> usize {
    let sizes = dimensions.iter().map(|(_, size)| *size);
    sizes.fold(1, usize::saturating_mul)
}
