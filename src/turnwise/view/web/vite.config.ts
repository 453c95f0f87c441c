import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// In development the page comes from Vite and the data from a running `turnwise view --port 7331`.
const server = "http://127.0.0.1:7331";

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: {
    port: 5173,
    proxy: { "/api": { target: server, changeOrigin: true, headers: { origin: server } } },
  },
  build: {
    target: "es2023",
    // The content policy allows no data: scripts or styles; everything is a file of its own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // One script and one style: the server is on this machine, where requests cost more than bytes.
    cssCodeSplit: false,
    rolldownOptions: { output: { codeSplitting: false } },
    chunkSizeWarningLimit: 800,
  },
});
