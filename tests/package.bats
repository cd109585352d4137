load helper

# The Debian package, the container and the cross build; debian/check and tests/arm64 build them.

build_dependencies() {
        sed -n '/^Build-Depends:/,/^[A-Z]/p' "$root/debian/control" | sed -nE 's/^ ([a-z0-9-]+).*/\1/p' |
                grep -vx -e debhelper-compat -e pkg-config
}

@test "the package, the Python module and the programs have one version" {
        version=$(sed -n 's/^VERSION := //p' "$root/Makefile")
        assert_equal "$(sed -nE '1s/^hap \((.*)\) .*/\1/p' "$root/debian/changelog")" "$version"
        assert_equal "$(sed -nE 's/^version = "(.*)"/\1/p' "$root/python/pyproject.toml")" "$version"
        run -0 hap-eval --version
        assert_output --partial "$version"
}

@test "the package, the container and setup.sh build with the same libraries" {
        run -0 build_dependencies
        assert_line libmsgpack-dev
        for package in $(build_dependencies); do
                grep -qw -- "$package" "$root/Dockerfile" || fail "$package is not in the Dockerfile"
                sed -n '/^build_packages=/,/"$/p' "$root/setup.sh" | grep -qw -- "$package" ||
                        fail "$package is not in setup.sh"
        done
        for package in $(sed -n '/^build_packages=/,/"$/p' "$root/setup.sh" | grep -oE 'lib[a-z0-9-]+-dev|zlib1g-dev'); do
                [[ $package == libc6-dev ]] || build_dependencies | grep -qx "$package" ||
                        fail "$package is not in debian/control"
        done
}

@test "the Debian rules are a makefile, and the page examples are found" {
        run -0 make -n -f "$root/debian/rules" -C "$root" override_dh_auto_install
        for page in "$root"/man/hap*.[157]; do
                [[ $("$root/tests/page-examples" "$page" | wc -l) -gt 1 ]] || fail "no examples in $page"
        done
}

@test "the arm64 cross build passes a test under qemu" {
        run "$root/tests/arm64" number
        [[ $output != *skipped* ]] || skip "${output#*skipped: }"
        assert_success
        assert_output --regexp '^[1-9][0-9]* passed, 0 failed$'
}
