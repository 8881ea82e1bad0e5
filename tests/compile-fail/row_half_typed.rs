use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Still being written: the row before the last is checked nonetheless.
    pub PLAN for LlamaForCausalLM;
    "model.layers.*.mlp.up_prj" => Colwise,
    "lm_head" =>
}

tp_plan! {
    /// The same one token earlier, and in the middle of a style.
    pub ANOTHER for LlamaForCausalLM as "another";
    "model.layers.*.mlp.up_proj" => Colw,
    "lm_head"
}

fn main() {
    println!("{} {}", PLAN.name, ANOTHER.name);
}
