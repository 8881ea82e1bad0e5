//! Compiles the C++ shim against the libtorch that `torch-sys` found.

fn main() {
    #[cfg(feature = "torch")]
    shim::build();
}

#[cfg(feature = "torch")]
mod shim {
    use std::path::{Path, PathBuf};
    use std::{env, fs};

    const DIR: &str = "src/ffi/shim";

    const SOURCES: &[&str] = &[
        "guard.cpp",
        "autograd.cpp",
        "adamw.cpp",
        "store.cpp",
        "group.cpp",
        "gloo.cpp",
    ];

    /// Headers of Gloo that libtorch's headers include but do not bring along.
    const GLOO: [&str; 5] = [
        "algorithm.h",
        "common/error.h",
        "context.h",
        "rendezvous/store.h",
        "transport/device.h",
    ];

    pub(crate) fn build() {
        println!("cargo:rerun-if-changed={DIR}");
        let lib = variable("DEP_TCH_LIBTORCH_LIB");
        let include = PathBuf::from(&lib).join("../include");
        let out = PathBuf::from(variable("OUT_DIR"));
        forward_gloo(&out);
        let mut shim = cc::Build::new();
        shim.cpp(true)
            .std("c++17")
            .define("_GLIBCXX_USE_CXX11_ABI", "1")
            .include(&out);
        for include in [include.clone(), include.join("torch/csrc/api/include")] {
            shim.flag("-isystem").flag(include);
        }
        shim.files(SOURCES.iter().map(|source| format!("{DIR}/{source}")));
        if cfg!(feature = "nccl") {
            shim.file(format!("{DIR}/nccl.cpp"));
        }
        shim.compile("tp_shim");

        // Dependents read the first as DEP_TP_RUNTIME_LIBTORCH_LIB and emit the second themselves:
        // cargo applies link arguments to the targets of one package only.
        println!("cargo:libtorch_lib={lib}");
        println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
    }

    /// Puts the shim's declarations where libtorch's headers look for Gloo's.
    fn forward_gloo(out: &Path) {
        let declarations = env::current_dir()
            .expect("cargo runs in a directory")
            .join(DIR);
        for header in GLOO {
            let path = out.join("gloo").join(header);
            fs::create_dir_all(path.parent().expect("the path has a folder")).expect("a folder");
            let text = format!("#include \"{}\"\n", declarations.join("gloo.h").display());
            fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }

    fn variable(name: &str) -> String {
        env::var(name).unwrap_or_else(|_| panic!("cargo and `torch-sys` set {name}"))
    }
}
