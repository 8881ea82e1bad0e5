// Assertions. Each stands in braces.
{ LLAMA, LLAMA_3_8B, tp = 8 }
{ a::b::LLAMA, crate::CONFIG, tp = 2 * N, }
