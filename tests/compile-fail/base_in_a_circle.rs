use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Starts from the next.
    pub THIS for LlamaForCausalLM as "this", from THAT;
    "lm_head" => _,
}

tp_plan! {
    /// Starts from the one after.
    pub THAT for LlamaForCausalLM as "that", from OTHER;
    "model.layers" => _,
}

tp_plan! {
    /// Starts from the first.
    pub OTHER for LlamaForCausalLM as "other", from THIS;
    "model.rotary_emb" => _,
}

tp_plan! {
    /// Starts from one that has no start.
    pub PLAN for LlamaForCausalLM as "plan", from THIS;
    "model.layers.*.mlp" => _,
}

fn main() {}
