//! Compiles the C++ shim against the libtorch that `torch-sys` found.

use std::path::{Path, PathBuf};
use std::{env, fs};

const DIR: &str = "src/ffi/shim";

const SOURCES: &[&str] = &[
    "guard.cpp",
    "autograd.cpp",
    "linear.cpp",
    "matvec.cpp",
    "adamw.cpp",
    "memory.cpp",
    "pinned.cpp",
    "rms_norm.cpp",
    "rotate.cpp",
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

/// Headers of CUDA libraries that only a whole toolkit has.
const CUDA: [&str; 5] = [
    "cublas_v2.h",
    "cublasLt.h",
    "cusolverDn.h",
    "cusolver_common.h",
    "cusparse.h",
];

fn main() {
    println!("cargo:rerun-if-changed={DIR}");
    let lib = variable("DEP_TCH_LIBTORCH_LIB");
    let include = PathBuf::from(&lib).join("../include");
    let out = PathBuf::from(variable("OUT_DIR"));
    forward("gloo.h", &out.join("gloo"), &GLOO);
    forward("cuda_libraries.h", &out.join("cuda"), &CUDA);
    let mut shim = cc::Build::new();
    shim.cpp(true)
        .std("c++17")
        .define("_GLIBCXX_USE_CXX11_ABI", "1")
        // Loops that libtorch's threads share, and products that are added at once.
        .flag("-fopenmp")
        .flag("-ffp-contract=fast")
        .opt_level(3)
        .include(&out);
    for include in [include.clone(), include.join("torch/csrc/api/include")] {
        shim.flag("-isystem").flag(include);
    }
    shim.files(SOURCES.iter().map(|source| format!("{DIR}/{source}")));
    if cfg!(feature = "nccl") {
        shim.files(["cuda.cpp", "nccl.cpp"].map(|source| format!("{DIR}/{source}")));
        for include in cuda_includes(Path::new(&lib)) {
            shim.flag("-isystem").flag(include);
        }
        // Searched last, so that a toolkit's own headers win.
        shim.flag("-idirafter").flag(out.join("cuda"));
    }
    shim.compile("tp_shim");
    if cfg!(feature = "nccl") {
        println!("cargo:rustc-link-lib=c10_cuda");
    }

    // Dependents read the first as DEP_TP_DIST_LIBTORCH_LIB and emit the second themselves:
    // cargo applies link arguments to the targets of one package only.
    println!("cargo:libtorch_lib={lib}");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
}

/// CUDA's and NCCL's headers: of a toolkit, or of the wheels that pip puts beside torch.
fn cuda_includes(lib: &Path) -> Vec<PathBuf> {
    println!("cargo:rerun-if-env-changed=CUDA_HOME");
    let needed = lib.join("libtorch_cuda.so");
    assert!(
        needed.exists(),
        "`nccl` needs a CUDA libtorch: there is no {}",
        needed.display()
    );
    let wheels = lib.join("../../nvidia");
    let toolkit = env::var_os("CUDA_HOME").map(|home| PathBuf::from(home).join("include"));
    let wheels = ["cu13/include", "cu13/include/cccl", "nccl/include"].map(|dir| wheels.join(dir));
    toolkit
        .into_iter()
        .chain(wheels)
        .filter(|include| include.is_dir())
        .collect()
}

/// Makes `headers` in `folder` stand for the shim's own `declarations`.
fn forward(declarations: &str, folder: &Path, headers: &[&str]) {
    let shim = env::current_dir()
        .expect("cargo runs in a directory")
        .join(DIR);
    for header in headers {
        let path = folder.join(header);
        let text = format!("#include \"{}\"\n", shim.join(declarations).display());
        let parent = path.parent().expect("the path has a folder");
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo and `torch-sys` set {name}"))
}
