//! Installing what the checks need, on a fresh Debian 12.

use std::fs;
use std::path::Path;

use crate::run::{Outcome, command, output, root, run, succeeds, target_dir};
use crate::target::{DEBIAN_CARGO, TARGETS, Target};
use crate::tree::text;

/// Something that a check needs: how to see that it is there, and the Debian packages that bring it.
struct Need {
    present: fn() -> bool,
    packages: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        present: || finds("cc --version"),
        packages: "gcc libc6-dev",
    },
    Need {
        present: || finds("c++ --version"),
        packages: "g++",
    },
    Need {
        present: || finds("clang++ --version"),
        packages: "clang",
    },
    Need {
        present: || {
            let mut runtime = command("clang", "-print-file-name=libclang_rt.asan-x86_64.a");
            output(&mut runtime).is_ok_and(|path| exists(path.trim()))
        },
        packages: "libclang-rt-dev",
    },
    Need {
        present: || finds("git --version"),
        packages: "git",
    },
    Need {
        present: || finds("pkg-config --version"),
        packages: "pkg-config",
    },
    Need {
        present: || finds("pkg-config --exists openssl"),
        packages: "libssl-dev",
    },
    Need {
        present: || finds("npm --version"),
        packages: "nodejs npm",
    },
    Need {
        present: || finds("python3 -m ensurepip --version"),
        packages: "python3-venv",
    },
    Need {
        present: || exists("/usr/bin/coap-client-openssl"),
        packages: "libcoap3-bin",
    },
    Need {
        present: || finds("pkg-config --exists libcoap-3-openssl"),
        packages: "libcoap3-dev",
    },
    Need {
        present: || {
            (exists(DEBIAN_CARGO) && exists("/usr/lib/rustlib/src/rust/library"))
                || TARGETS.iter().all(Target::is_installed)
        },
        packages: "cargo-web rustc-web rust-web-src",
    },
    Need {
        present: || finds("arm-none-eabi-gcc --version"),
        packages: "gcc-arm-none-eabi",
    },
    Need {
        present: || finds("riscv64-unknown-elf-gcc --version"),
        packages: "gcc-riscv64-unknown-elf",
    },
    Need {
        present: || finds("cmake --version"),
        packages: "cmake",
    },
    Need {
        present: || finds("ninja --version"),
        packages: "ninja-build",
    },
    Need {
        present: || finds("qemu-system-riscv32 --version"),
        packages: "qemu-system-misc",
    },
    Need {
        present: || finds("qemu-system-arm --version"),
        packages: "qemu-system-arm",
    },
    Need {
        present: || finds("valgrind --version") && exists("/usr/include/valgrind/memcheck.h"),
        packages: "valgrind",
    },
];

/// Installs what is missing; does nothing, and needs no network, if nothing is.
pub(crate) fn setup() -> Outcome {
    debian_packages()?;
    npm_packages()?;
    python_packages()
}

fn debian_packages() -> Outcome {
    let missing: Vec<&str> = NEEDS
        .iter()
        .filter(|need| !(need.present)())
        .map(|need| need.packages)
        .collect();
    if missing.is_empty() {
        println!("all programs are there");
        return Ok(());
    }
    let packages = missing.join(" ");
    if !exists("/usr/bin/apt-get") || !is_root() {
        return Err(format!(
            "please install these Debian packages, or what corresponds to them: {packages}"
        ));
    }
    run(&mut command("apt-get", "update -qq"))?;
    // Never at the price of a package that is already there.
    let mut install = format!("install -y -qq --no-install-recommends --no-remove {packages}");
    if packages.contains("qemu-system") && finds("dpkg-query --show qemu-utils") {
        // QEMU's own tools from backports refuse the release's emulators: keep the tools, as the release has them.
        let release =
            output(command("sh", "-c").arg(". /etc/os-release && echo $VERSION_CODENAME"))?;
        install.push_str(&format!(
            " --allow-downgrades qemu-utils/{}",
            release.trim()
        ));
    }
    run(command("apt-get", &install).env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Folders with pinned npm packages: the compiler and test tools of the contracts, an independent Ethereum, wallets.
const NPM_FOLDERS: [&str; 3] = ["contracts", "interop/ethereumjs", "interop/js"];
/// The pinned Python packages: other people's COSE, CWT, CBOR and wallet, and official test vectors.
const PYTHON_PACKAGES: &str = "interop/python/requirements.txt";

/// Installs what each `package-lock.json` pins, unless it is there.
fn npm_packages() -> Outcome {
    let modified = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    for folder in NPM_FOLDERS {
        let directory = root().join(folder);
        let installed = modified(&directory.join("node_modules/.package-lock.json"));
        if installed.is_some() && installed >= modified(&directory.join("package-lock.json")) {
            println!("the npm packages of {folder} are there");
            continue;
        }
        let install = "ci --ignore-scripts --no-audit --no-fund";
        run(command("npm", install).current_dir(directory))?;
    }
    Ok(())
}

/// Installs what [`PYTHON_PACKAGES`] pins into an environment beside the build, unless it is there.
fn python_packages() -> Outcome {
    let environment = target_dir("python");
    let wanted = text(Path::new(PYTHON_PACKAGES)).ok_or(format!("{PYTHON_PACKAGES} is missing"))?;
    // A copy of the list, written last, tells what the environment holds.
    let installed = environment.join("requirements.txt");
    if fs::read_to_string(&installed).is_ok_and(|list| list == wanted) {
        println!("the Python packages are there");
        return Ok(());
    }
    run(command("python3", "-m venv --clear").arg(&environment))?;
    let install = "-m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r";
    run(command(environment.join("bin/python"), install).arg(PYTHON_PACKAGES))?;
    fs::write(&installed, wanted).map_err(|error| error.to_string())
}

fn is_root() -> bool {
    output(&mut command("id", "-u")).is_ok_and(|id| id.trim() == "0")
}

fn finds(line: &str) -> bool {
    let (program, arguments) = line.split_once(' ').unwrap_or((line, ""));
    succeeds(&mut command(program, arguments))
}

fn exists(path: &str) -> bool {
    Path::new(path).exists()
}
