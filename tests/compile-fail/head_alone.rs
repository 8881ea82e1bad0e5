use tp_runtime::tp_plan;

tp_plan! {}
tp_plan! { pub }
tp_plan! { pub LLAMA for }

fn main() {}
