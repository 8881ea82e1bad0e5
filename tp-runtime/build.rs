//! Compiles the C++ shim against the libtorch that `torch-sys` found.

fn main() {
    #[cfg(feature = "torch")]
    shim::build();
}

#[cfg(feature = "torch")]
mod shim {
    use std::path::PathBuf;

    const DIR: &str = "src/ffi/shim";
    const SOURCES: [&str; 3] = ["guard.cpp", "autograd.cpp", "adamw.cpp"];

    pub(crate) fn build() {
        println!("cargo:rerun-if-changed={DIR}");
        let lib = std::env::var("DEP_TCH_LIBTORCH_LIB")
            .expect("`torch-sys` tells its dependents where libtorch is");
        let include = PathBuf::from(&lib).join("../include");
        let mut shim = cc::Build::new();
        shim.cpp(true)
            .std("c++17")
            .define("_GLIBCXX_USE_CXX11_ABI", "1")
            .flag("-isystem")
            .flag(&include)
            .flag("-isystem")
            .flag(include.join("torch/csrc/api/include"))
            .files(SOURCES.map(|source| format!("{DIR}/{source}")))
            .compile("tp_shim");

        // Dependents read the first as DEP_TP_RUNTIME_LIBTORCH_LIB and emit the second themselves:
        // cargo applies link arguments to the targets of one package only.
        println!("cargo:libtorch_lib={lib}");
        println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
    }
}
