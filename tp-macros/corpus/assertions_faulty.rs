// What is no assertion. Each stands in braces.
{}
{ , }
{ LLAMA }
{ LLAMA, }
{ LLAMA, CONFIG, 8 }
{ LLAMA, CONFIG, tp }
{ LLAMA, CONFIG, tp = }
{ LLAMA, CONFIG, dp = 8 }
{ LLAMA, CONFIG, tp = 8, sp = 8 }
{ "LLAMA", CONFIG, tp = 8 }
{ LLAMA CONFIG tp 8 }
