//! The flow that each model declares is the one its forward runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tch::Kind;
use tp_models as _;
use tp_runtime::plan::{self, Arity, Child, Mode, ModuleKind, Node, Stage};
use tp_runtime::testing::{Edge, Fixture, Setting, on_ranks, record};

/// Paths of layers.
type Layers = BTreeSet<String>;

/// Follows what the structs of one configuration declare.
struct Declared {
    /// The layers that there are and that compute activations.
    present: Layers,
    /// Those that some declared flow reaches.
    reached: Layers,
    edges: BTreeSet<Edge>,
}

impl Declared {
    /// Follows the model, then the structs beside its flow that declare one of their own.
    fn of(model: &Node, present: Layers) -> Self {
        let mut declared = Self {
            present,
            reached: Layers::new(),
            edges: BTreeSet::new(),
        };
        declared.module(model, "", Layers::new());
        declared.beside(model, "");
        declared
    }

    fn has(&self, path: &str) -> bool {
        let inside = format!("{path}.");
        self.present
            .iter()
            .any(|layer| layer == path || layer.starts_with(&inside))
    }

    /// The layers whose outputs make the output of the module at `path`.
    fn module(&mut self, node: &Node, path: &str, input: Layers) -> Layers {
        if node.kind != ModuleKind::Container {
            return self.layer(path, input);
        }
        let mut stream = input.clone();
        let mut value = input;
        for stage in node.flow {
            match stage {
                Stage::Residual => {
                    stream.extend(value);
                    value = stream.clone();
                }
                Stage::Feed(branches) => {
                    let mut outputs = Layers::new();
                    for chain in *branches {
                        outputs.extend(self.branch(node, path, chain, value.clone()));
                    }
                    value = outputs;
                }
            }
        }
        value
    }

    fn branch(&mut self, node: &Node, path: &str, chain: &[usize], input: Layers) -> Layers {
        let mut value = input;
        for &index in chain {
            let child = &node.children[index];
            let path = join(path, child.name);
            if child.arity != Arity::List {
                value = self.module(child.node, &path, value);
                continue;
            }
            let elements = (0..).map(|index| join(&path, &index.to_string()));
            for element in elements
                .take_while(|element| self.has(element))
                .collect::<Vec<_>>()
            {
                value = self.module(child.node, &element, value);
            }
        }
        value
    }

    fn layer(&mut self, path: &str, input: Layers) -> Layers {
        if !self.present.contains(path) {
            return input;
        }
        self.reached.insert(path.to_owned());
        for from in input {
            let to = path.to_owned();
            self.edges.insert(Edge { from, to });
        }
        Layers::from([path.to_owned()])
    }

    fn beside(&mut self, node: &Node, path: &str) {
        for child in node.children {
            let path = join(path, child.name);
            let inside = format!("{path}.");
            if self.reached.iter().any(|layer| layer.starts_with(&inside)) {
                self.beside(child.node, &path);
            } else if child.arity != Arity::List {
                self.module(child.node, &path, Layers::new());
            }
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// What a forward of a fixture ran, and of what model.
struct Run {
    edges: BTreeSet<Edge>,
    layers: Layers,
    node: &'static Node,
}

/// Records a forward of the fixture in `dir` on one rank.
fn run(dir: &Path) -> Run {
    let setting = Setting {
        degree: 1,
        mode: Mode::TensorParallel,
        backend: "local",
        plan: None,
    };
    let found = Mutex::new(None);
    on_ranks(dir, setting, Kind::Float, |model| {
        let fixture = Fixture::open(dir);
        let images = fixture.groups_with("pixel_values").contains("image");
        let case = if images { "image" } else { "odd" };
        let (logits, edges) = record(|| model.forward(&fixture.inputs(case), None));
        logits?;
        let layers = model.resolution().layers.iter();
        let computing = layers.filter(|layer| {
            use ModuleKind::{Embedding, Linear, Norm};
            matches!(layer.kind, Linear | Embedding | Norm)
        });
        let architecture = model.config()["architectures"][0].as_str();
        *found.lock().expect("one rank") = Some(Run {
            edges: edges.into_iter().collect(),
            layers: computing.map(|layer| layer.path.to_string()).collect(),
            node: plan::plan_for_architecture(architecture.unwrap_or_default())?.node,
        });
        Ok(())
    });
    found.into_inner().expect("one rank").expect("it ran")
}

/// The edges of one that the other does not have, of layers that a declared flow reaches: first
/// those that only the forward runs, then those that are only declared.
fn differences(run: &Run, declared: &Declared) -> [Vec<String>; 2] {
    let only = |these: &BTreeSet<Edge>, those: &BTreeSet<Edge>| -> Vec<String> {
        let reached = |edge: &&Edge| {
            [&edge.from, &edge.to]
                .into_iter()
                .all(|layer| declared.reached.contains(layer))
        };
        let edges = these.difference(those).filter(reached);
        edges
            .map(|edge| format!("{} -> {}", edge.from, edge.to))
            .collect()
    };
    [
        only(&run.edges, &declared.edges),
        only(&declared.edges, &run.edges),
    ]
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

#[test]
fn every_model_runs_the_flow_it_declares() {
    let mut architectures = BTreeSet::new();
    for entry in fs::read_dir(fixtures()).expect("fixtures") {
        let dir = entry.expect("a fixture").path();
        if !dir.join("reference.safetensors").exists() || !dir.join("config.json").exists() {
            continue;
        }
        let run = run(&dir);
        let declared = Declared::of(run.node, run.layers.clone());
        let [ran, said] = differences(&run, &declared);
        assert!(
            ran.is_empty() && said.is_empty(),
            "{}: run and not declared: {ran:#?}\ndeclared and not run: {said:#?}",
            dir.display()
        );
        let unreached: Vec<_> = run.layers.difference(&declared.reached).collect();
        let beside = |layer: &&&String| {
            layer.contains("vision_tower") || layer.contains("multi_modal_projector")
        };
        assert!(
            unreached.iter().all(|layer| beside(&layer)),
            "{unreached:?}"
        );
        architectures.insert(run.node.type_name);
    }
    let known: BTreeSet<_> = plan::plans()
        .into_iter()
        .map(|plan| plan.node.type_name)
        .collect();
    let models: BTreeSet<_> = known
        .into_iter()
        .filter(|name| name.contains("For"))
        .collect();
    assert_eq!(architectures, models);
}

/// The tree with another flow for the structs of one type.
fn with_flow(node: &'static Node, type_name: &str, flow: &'static [Stage]) -> &'static Node {
    let children = node.children.iter().map(|child| {
        Child::new(
            child.name,
            child.arity,
            with_flow(child.node, type_name, flow),
        )
    });
    let children: Vec<Child> = children.collect();
    Box::leak(Box::new(Node {
        type_name: node.type_name,
        type_path: node.type_path,
        kind: node.kind,
        children: children.leak(),
        flow: if node.type_name == type_name {
            flow
        } else {
            node.flow
        },
    }))
}

#[test]
fn another_flow_than_the_forwards_is_found() {
    // The fields of `PreNormLayer` are attention, MLP, the norm before each; of `GatedMlp`, gate, up, down.
    const NO_FIRST_RESIDUAL: &[Stage] = &[
        Stage::Feed(&[&[2]]),
        Stage::Feed(&[&[0]]),
        Stage::Feed(&[&[3]]),
        Stage::Feed(&[&[1]]),
        Stage::Residual,
    ];
    const IN_A_ROW: &[Stage] = &[Stage::Feed(&[&[0, 1]]), Stage::Feed(&[&[2]])];
    let run = run(&fixtures().join("llama_gqa"));
    let other = |type_name, flow| {
        let node = with_flow(run.node, type_name, flow);
        differences(&run, &Declared::of(node, run.layers.clone()))
    };
    let layer = |name: &str| format!("model.layers.0.{name}");
    let [ran, _] = other("LlamaDecoderLayer", NO_FIRST_RESIDUAL);
    let residual = format!(
        "model.embed_tokens -> {}",
        layer("post_attention_layernorm")
    );
    assert!(ran.contains(&residual), "{ran:?}");
    let [ran, said] = other("GatedMlp", IN_A_ROW);
    let (gate, up, down) = (
        layer("mlp.gate_proj"),
        layer("mlp.up_proj"),
        layer("mlp.down_proj"),
    );
    assert!(ran.contains(&format!("{gate} -> {down}")), "{ran:?}");
    assert!(said.contains(&format!("{gate} -> {up}")), "{said:?}");
}
