use tp_runtime::tp_plan;

struct Tokenizer;

tp_plan! {
    /// A plan for something that is no module.
    pub PLAN for Tokenizer;
    "lm_head" => Colwise,
}

fn main() {}
