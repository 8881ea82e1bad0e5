//! `#[derive(Module)]`: the constant tree and the visit agree with the struct.

use tp_runtime::module::{self, Layer, ModulePath, ParallelContext, Param};
use tp_runtime::plan::{Arity, ModuleKind, Node, Stage, plan_for};
use tp_runtime::{Module, tp_plan};

/// A leaf that stands for any layer.
struct Leaf(Param, ParallelContext);

impl Leaf {
    fn new() -> Self {
        Self(Param::new(&[4, 4]), ParallelContext::default())
    }
}

impl Module for Leaf {
    const NODE: &'static Node = &Node {
        type_name: "Leaf",
        type_path: "derive_module::Leaf",
        kind: ModuleKind::Linear,
        children: &[],
        flow: &[],
    };

    fn visit<'a>(&'a self, path: &ModulePath, visitor: &mut dyn FnMut(&ModulePath, &'a dyn Layer)) {
        visitor(path, self);
    }
}

impl Layer for Leaf {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Linear
    }

    fn parameters(&self) -> Vec<(&'static str, &Param)> {
        vec![("weight", &self.0)]
    }

    fn context(&self) -> &ParallelContext {
        &self.1
    }
}

#[derive(Module)]
#[flow(norm -> attn, (up -> down) -> +)]
struct Block {
    attn: Leaf,
    norm: Leaf,
    up: Leaf,
    down: Leaf,
    #[module(skip)]
    #[allow(dead_code)]
    heads: usize,
}

fn block() -> Block {
    Block {
        attn: Leaf::new(),
        norm: Leaf::new(),
        up: Leaf::new(),
        down: Leaf::new(),
        heads: 2,
    }
}

#[derive(Module)]
struct Model {
    #[module(rename = "0")]
    first: Leaf,
    r#type: Option<Leaf>,
    layers: Vec<Block>,
    head: Box<Leaf>,
}

#[test]
fn the_tree_has_the_fields_in_order() {
    let children: Vec<_> = Model::NODE
        .children
        .iter()
        .map(|c| (c.name, c.arity))
        .collect();
    let expected = [
        ("0", Arity::One),
        ("type", Arity::Optional),
        ("layers", Arity::List),
        ("head", Arity::One),
    ];
    assert_eq!(children, expected);
    assert_eq!(Model::NODE.type_name, "Model");
    assert_eq!(Model::NODE.type_path, "derive_module::Model");
    let layer = Model::NODE.children[2].node;
    assert_eq!(layer.type_name, "Block");
    assert!(layer.children.iter().all(|child| child.name != "heads"));
}

#[test]
fn the_flow_is_what_was_written() {
    assert!(matches!(
        Block::NODE.flow,
        [
            Stage::Feed([[1]]),
            Stage::Feed([[0], [2, 3]]),
            Stage::Residual
        ]
    ));
}

#[test]
fn the_visit_names_every_leaf_as_the_checkpoint_does() {
    let model = Model {
        first: Leaf::new(),
        r#type: None,
        layers: vec![block(), block()],
        head: Box::new(Leaf::new()),
    };
    let paths: Vec<String> = module::layers(&model)
        .iter()
        .map(|layer| layer.path.to_string())
        .collect();
    let expected = [
        "0",
        "layers.0.attn",
        "layers.0.norm",
        "layers.0.up",
        "layers.0.down",
        "layers.1.attn",
        "layers.1.norm",
        "layers.1.up",
        "layers.1.down",
        "head",
    ];
    assert_eq!(paths, expected);
}

/// A module for any layers, and for some number of them.
#[derive(Module)]
struct Stack<L: Module, const N: usize> {
    layers: Vec<L>,
}

/// One that its layers have a name for.
#[derive(Module)]
#[module(name = L::NODE.type_name)]
struct Renamed<L: Module> {
    layer: L,
}

#[test]
fn a_generic_struct_is_another_type_for_each_parameter() {
    let node = <Stack<Block, 2>>::NODE;
    assert_eq!(node.type_name, "Stack<Block, 2>");
    assert_eq!(
        node.type_path,
        "derive_module::Stack<derive_module::Block, 2>"
    );
    for other in [<Stack<Leaf, 2>>::NODE, <Stack<Block, 3>>::NODE] {
        assert_ne!(node.type_path, other.type_path);
    }
    let inside = <Stack<Stack<Leaf, 1>, 2>>::NODE;
    assert_eq!(inside.type_name, "Stack<Stack<Leaf, 1>, 2>");
}

tp_plan! {
    /// For two leaves.
    TWO for Stack<Leaf, 2>;
    "layers.*" => Colwise(output: Replicate),
}

tp_plan! {
    /// For three.
    THREE for Stack<Leaf, 3>;
    "layers.*" => Rowwise(input: Replicate),
}

#[test]
fn plans_are_found_by_the_parameters_too() {
    let name = |plan: Result<&tp_runtime::Plan, _>| plan.map(|plan| plan.name).ok();
    assert_eq!(name(plan_for::<Stack<Leaf, 2>>()), Some("TWO"));
    assert_eq!(name(plan_for::<Stack<Leaf, 3>>()), Some("THREE"));
    assert_eq!(name(plan_for::<Stack<Leaf, 4>>()), None);
    assert_eq!(name(plan_for::<Stack<Block, 2>>()), None);
}

#[test]
fn a_struct_goes_by_the_name_it_asks_for() {
    let node = <Renamed<Block>>::NODE;
    assert_eq!(node.type_name, "Block");
    assert_eq!(
        node.type_path,
        "derive_module::Renamed<derive_module::Block>"
    );
}
