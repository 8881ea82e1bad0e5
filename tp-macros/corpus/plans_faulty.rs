// Tables of which something is said. Each stands in braces.
{}
{ ; }
{ pub }
{ pub PLAN }
{ pub PLAN for }
{ pub PLAN for ; }
{ pub PLAN for Model }
{ pub PLAN for Model; }
{ pub PLAN for Model as ; "x" => Colwise }
{ pub PLAN for Model as ""; "x" => Colwise }
{ pub PLAN for Model as "a", of B; "x" => Colwise }
{ pub PLAN for Model, from B; "x" => Colwise }
{ pub PLAN for Model; => }
{ pub PLAN for Model; "x" }
{ pub PLAN for Model; "x" => }
{ pub PLAN for Model; "x" => | }
{ pub PLAN for Model; "x" => _ | }
{ pub PLAN for Model; "x" => _ | _ | _ }
{ pub PLAN for Model; "x" => Colwise "y" => Colwise }
{ pub PLAN for Model; "x" => Colw }
{ pub PLAN for Model; "x" => Colwise(input) }
{ pub PLAN for Model; "x" => Colwise(input:) }
{ pub PLAN for Model; "x" => Colwise(input: ,) }
{ pub PLAN for Model; "x" => Colwise(input: Rep) }
{ pub PLAN for Model; "x" => Colwise(input: Shard) }
{ pub PLAN for Model; "x" => Colwise(input: Shard()) }
{ pub PLAN for Model; "x" => Colwise(input: Shard(99999999999999999999999999)) }
{ pub PLAN for Model; "x" => Colwise(input: Shard(-9223372036854775808)) }
{ pub PLAN for Model; "x" => Colwise(input: Shard(1.5e300)) }
{ pub PLAN for Model; "x" => Colwise(input: Shard(1)) }
{ pub PLAN for Model; "x" => Colwise(input: { loop {} }) }
{ pub PLAN for Model; "x" => Colwise(local: 0, local: true) }
{ pub PLAN for Model; "x" => Colwise(segments: []) }
{ pub PLAN for Model; "x" => Colwise(segments: [q, q]) }
{ pub PLAN for Model; "x" => Colwise(segments: [q], output: Replicate) }
{ pub PLAN for Model; "x" => include }
{ pub PLAN for Model; "x?" => include PLAN }
{ pub PLAN for Model; "" => Colwise }
{ pub PLAN for Model; "." => Colwise }
{ pub PLAN for Model; "a..b" => Colwise }
{ pub PLAN for Model; "{" => Colwise }
{ pub PLAN for Model; "}{" => Colwise }
{ pub PLAN for Model; "{{a,b}}" => Colwise }
{ pub PLAN for Model; "{a,,b}" => Colwise }
{ pub PLAN for Model; "{}" => Colwise }
{ pub PLAN for Model; "?" => Colwise }
{ pub PLAN for Model; "a?b" => Colwise }
{ pub PLAN for Model; "**.a" => Colwise }
{ pub PLAN for Model; "a*.b" => Colwise }
{ pub PLAN for Model; "a b" => Colwise }
{ pub PLAN for Model; "\u{0}\n" => Colwise }
{ pub PLAN for Model; "x" => Colwise, "x" => Rowwise }
{ pub PLAN for Model; "a.*.b" => Colwise, "a.0.b" => Rowwise }
{ pub PLAN for Model; b"x" => Colwise, 'x' => Colwise, c"x" => Colwise, 1 => Colwise }
{ pub PLAN for Model; 'lifetime => Colwise }
{ pub PLAN for Model; (("x")) => ((Colwise)) }
{ pub PLAN for fn(&'a str) -> !; x => y }
{ mod m { fn f() {} } }
{ #[a] #![b] pub(in a::b) PLAN for Model; 0xffu8 .. = @ # $ ? ~ }
{ struct S; }
