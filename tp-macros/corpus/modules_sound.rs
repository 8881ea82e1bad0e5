// Structs of modules. Each stands in braces.
{ struct Unit {} }
{ #[derive(Module)] pub struct Head { pub project: Linear } }
{
    #[flow(input_norm -> (q -> q_norm), (k -> k_norm), v -> out -> + -> mlp -> +)]
    struct Block<T: Module> where T: Clone {
        input_norm: Norm,
        #[module(weight = [heads, hidden])] q: Linear,
        #[module(weight = [(heads, kv, kv), hidden])] k: Option<Linear>,
        v: Vec<Linear>,
        q_norm: T, k_norm: T,
        #[module(rename = "out_proj")] out: Box<Linear>,
        mlp: Mlp<T>,
        #[module(skip)] size: usize,
        r#type: Linear,
    }
}
{ #[module(name = T::NAME)] struct Named<'a, T: Module, const N: usize> { a: T } }
