// Before the first paint: the theme a person chose, so that the page never flashes in the other one.
try {
  const theme = localStorage.getItem("turnwise.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // No storage (a private window): the system's preference stands.
}
