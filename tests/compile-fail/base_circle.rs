use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// One of three that start from one another.
    pub A for LlamaForCausalLM as "a", from B;
    "model.rotary_emb" => _,
}
tp_plan! {
    /// The second.
    pub B for LlamaForCausalLM as "b", from C;
    "lm_head" => Colwise,
}
tp_plan! {
    /// The third.
    pub C for LlamaForCausalLM as "c", from A;
    "lm_head" => _,
}
tp_plan! {
    /// Starts from the circle, and is not in it.
    pub D for LlamaForCausalLM as "d", from A;
    "model.rotary_emb" => _,
}
tp_plan! {
    /// Starts from that.
    pub E for LlamaForCausalLM as "e", from D;
    "model.rotary_emb" => _,
}

fn main() {}
