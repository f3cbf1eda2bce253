import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The browser only ever speaks with this server, which passes /graphql on: no CORS, no second address to know.
const proxy = { "/graphql": { target: process.env.CONFGRAPH_URL ?? "http://127.0.0.1:8000", ws: true } };

export default defineConfig({
  plugins: [react()],
  server: { host: "127.0.0.1", proxy },
  preview: { host: "127.0.0.1", proxy },
});
