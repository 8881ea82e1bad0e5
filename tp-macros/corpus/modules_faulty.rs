// What is no struct of modules. Each stands in braces.
{}
{ enum E { A, B(Linear) } }
{ union U { a: Linear } }
{ struct Tuple(Linear); }
{ fn f() {} }
{ struct S { a: Linear, a: Linear } }
{ struct S { #[module(rename = "")] a: Linear } }
{ struct S { #[module(rename = "a.b")] a: Linear } }
{ struct S { #[module(rename)] a: Linear } }
{ struct S { #[module] a: Linear } }
{ struct S { #[module(skip, skip)] a: Linear } }
{ struct S { #[module(skip, rename = "b")] a: Linear } }
{ struct S { #[module(what::ever(1 + 1))] a: Linear } }
{ struct S { #[module(weight = 1)] a: Linear } }
{ struct S { #[module(weight = [a])] a: Linear } }
{ struct S { #[module(weight = [a, b, c])] a: Linear } }
{ struct S { #[module(weight = [(), b])] a: Linear } }
{ struct S { #[module(weight = [((a, b), c), d::e])] a: Linear } }
{ struct S { #[flow(a)] a: Linear } }
{ #[module(skip)] struct S { a: Linear } }
{ #[flow] struct S { a: Linear } }
{ #[flow()] struct S { a: Linear } }
{ #[flow(->)] struct S { a: Linear } }
{ #[flow(a ->)] struct S { a: Linear } }
{ #[flow(b)] struct S { a: Linear } }
{ #[flow((a, a))] struct S { a: Linear } }
{ #[flow(((a)))] struct S { a: Linear } }
{ #[flow(+ + +)] struct S { a: Linear } }
{ #[flow = "a"] struct S { a: Linear } }
{ #[flow(a)] #[flow(a)] struct S { a: Linear } }
{ #[module(name)] struct S { a: Linear } }
{ #[module(name = "A")] #[module(name = "B")] struct S { a: Linear } }
