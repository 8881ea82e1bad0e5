//! Passes on where libtorch is, as `tp-dist` has it from `torch-sys`.

fn main() {
    if let Ok(lib) = std::env::var("DEP_TP_DIST_LIBTORCH_LIB") {
        // Dependents read the first as DEP_TP_RUNTIME_LIBTORCH_LIB and emit the second themselves:
        // cargo applies link arguments to the targets of one package only.
        println!("cargo:libtorch_lib={lib}");
        println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
    }
}
