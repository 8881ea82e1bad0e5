/// Every row but the first is refused; the constant is there nonetheless.
pub PLAN for Model;

"norm" => _ | SequenceParallel,
"a..b" => Colwise,
"lm_head" => Colwize(input: Partial),
"up_proj" => Colwise(input: Partial, output: Replicate),
"up_proj" => Rowwise,
