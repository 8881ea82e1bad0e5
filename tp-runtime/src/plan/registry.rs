//! The plans of every crate linked into a program.

use super::{Plan, PlanError};
use crate::Module;
use crate::plan::nearest::nearest;

/// A registered plan; written by [`tp_plan!`](crate::tp_plan).
pub struct PlanEntry(pub &'static Plan);

inventory::collect!(PlanEntry);

/// Every registered plan, by model name; a model's default before its alternates.
pub fn plans() -> Vec<&'static Plan> {
    let mut plans: Vec<&'static Plan> = inventory::iter::<PlanEntry>()
        .map(|entry| entry.0)
        .collect();
    plans.sort_by_key(|plan| (plan.model(), plan.node.type_path, plan.alternate, plan.line));
    plans
}

/// The default plan of a model type.
///
/// # Errors
/// When no plan, or more than one, is registered as its default.
pub fn plan_for<M: Module>() -> Result<&'static Plan, PlanError> {
    let all = plans();
    let own = all
        .iter()
        .copied()
        .filter(|plan| plan.node.type_path == M::NODE.type_path)
        .collect();
    pick(&all, own, M::NODE.type_name, None)
}

/// The default plan of the model that `config.json` calls `architecture`.
///
/// # Errors
/// As [`plan_for`], and when the architecture is unknown: the known ones are listed.
pub fn plan_for_architecture(architecture: &str) -> Result<&'static Plan, PlanError> {
    find(&plans(), architecture, None)
}

/// The plan of `architecture` that is registered as `alternate`.
///
/// # Errors
/// As [`plan_for_architecture`], and when the name is unknown: the alternates are listed.
pub fn plan_named(architecture: &str, alternate: &str) -> Result<&'static Plan, PlanError> {
    find(&plans(), architecture, Some(alternate))
}

fn find(
    all: &[&'static Plan],
    architecture: &str,
    alternate: Option<&str>,
) -> Result<&'static Plan, PlanError> {
    let own = all
        .iter()
        .copied()
        .filter(|plan| plan.model() == architecture)
        .collect();
    pick(all, own, architecture, alternate)
}

/// The one plan of `own`, the model's plans, that goes by `alternate`.
fn pick(
    all: &[&'static Plan],
    own: Vec<&'static Plan>,
    model: &str,
    alternate: Option<&str>,
) -> Result<&'static Plan, PlanError> {
    if own.is_empty() {
        return Err(unknown(all, model));
    }
    let mut named = own
        .iter()
        .copied()
        .filter(|plan| plan.alternate == alternate);
    match (named.next(), named.next()) {
        (Some(plan), None) => Ok(plan),
        (Some(first), Some(second)) => Err(PlanError::TwoPlans { first, second }),
        (None, _) => {
            let alternates = own.iter().filter_map(|plan| plan.alternate).collect();
            let model = model.to_owned();
            Err(match alternate {
                Some(found) => PlanError::UnknownAlternate {
                    model,
                    found: found.to_owned(),
                    alternates,
                },
                None => PlanError::NoDefault { model, alternates },
            })
        }
    }
}

fn unknown(all: &[&'static Plan], found: &str) -> PlanError {
    if all.is_empty() {
        return PlanError::EmptyRegistry;
    }
    let mut known: Vec<&'static str> = all.iter().map(|plan| plan.model()).collect();
    known.dedup();
    let near = nearest(found, known.iter().copied());
    PlanError::UnknownModel {
        found: found.to_owned(),
        near,
        known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{ModuleKind, Node};

    static LLAMA: Node = node("LlamaForCausalLM", "a::LlamaForCausalLM");
    static QWEN: Node = node("Qwen2ForCausalLM", "a::Qwen2ForCausalLM");
    static DEFAULT: Plan = plan("LLAMA", &LLAMA, None, 3);
    static SECOND: Plan = plan("OTHER", &LLAMA, None, 9);
    static ALTERNATE: Plan = plan("MLP_ONLY", &LLAMA, Some("mlp-only"), 5);
    static ONLY_ALTERNATE: Plan = plan("QWEN", &QWEN, Some("attention"), 7);

    const fn node(type_name: &'static str, type_path: &'static str) -> Node {
        Node {
            type_name,
            type_path,
            kind: ModuleKind::Container,
            children: &[],
            flow: &[],
        }
    }

    const fn plan(
        name: &'static str,
        node: &'static Node,
        alternate: Option<&'static str>,
        line: u32,
    ) -> Plan {
        let file = "plans.rs";
        Plan {
            name,
            doc: "",
            node,
            alternate,
            base: None,
            items: &[],
            has_sequence_column: false,
            file,
            line,
        }
    }

    fn message(all: &[&'static Plan], architecture: &str, alternate: Option<&str>) -> String {
        match find(all, architecture, alternate) {
            Ok(plan) => panic!("found {}", plan.name),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn default_and_alternate_are_found() {
        let all = [&DEFAULT, &ALTERNATE, &ONLY_ALTERNATE];
        let name = |alternate| {
            find(&all, "LlamaForCausalLM", alternate)
                .map(|plan| plan.name)
                .ok()
        };
        assert_eq!(name(None), Some("LLAMA"));
        assert_eq!(name(Some("mlp-only")), Some("MLP_ONLY"));
    }

    #[test]
    fn two_defaults_name_both_places() {
        let text = message(&[&DEFAULT, &SECOND], "LlamaForCausalLM", None);
        assert!(
            text.contains("plans.rs:3") && text.contains("plans.rs:9"),
            "{text}"
        );
    }

    #[test]
    fn an_empty_registry_says_how_to_fill_it() {
        assert!(message(&[], "LlamaForCausalLM", None).contains("`use tp_models as _;`"));
    }

    #[test]
    fn unknown_names_list_the_known_ones() {
        let all = [&DEFAULT, &ALTERNATE, &ONLY_ALTERNATE];
        let text = message(&all, "LlamaForCausalM", None);
        assert!(text.contains("did you mean `LlamaForCausalLM`?"), "{text}");
        let text = message(&all, "Mamba", None);
        assert!(
            text.contains("`LlamaForCausalLM` and `Qwen2ForCausalLM`"),
            "{text}"
        );
        let text = message(&all, "LlamaForCausalLM", Some("mlp"));
        assert!(text.contains("`mlp-only`"), "{text}");
        let text = message(&all, "Qwen2ForCausalLM", None);
        assert!(text.contains("`attention`"), "{text}");
    }
}
