# shellcheck shell=bash
# What the house tests share: which files are ours. Sourced, with the working directory at the top of the tree.
# Tracked files and new ones, so that a test sees what the next commit would hold; in an archive without git, all of them.

files() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard
  else
    find . -path ./build -prune -o -type f -print | sed 's,^\./,,'
  fi | while IFS= read -r file; do [ ! -f "$file" ] || echo "$file"; done
}

cpp_files() { files | grep -E '\.(cpp|hpp)$'; }

# Bash is what says so in its first line, and the primitives, which have no first line of that kind because the host joins them.
bash_files() {
  files | while IFS= read -r file; do
    case $file in
      *.sh | *.bash) echo "$file" ;;
      *.*) ;;
      *) [[ $(head -n 1 "$file" | tr -d '\0') != '#!'*sh ]] || echo "$file" ;;
    esac
  done
}
