use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// A norm on a share of the sequence, which nothing before it splits.
    pub PLAN for LlamaForCausalLM;
    "{model,lm_head}" => _,
    "model.norm" => _ | SequenceParallelAllGatherActivation,
}

fn main() {}
